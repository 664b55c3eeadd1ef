"""Is a living person before the camera, now? Error rates of rendered people and attacks, by species.

BPCER is the share of bona fide clips that are not accepted, APCER of a species the share of its attacks that are
(ISO/IEC 30107-3:2023). A clip is accepted when every liveness check passes. People, cameras, light and materials are of
the split `test`; limits come from bona fide clips of `tuning` (`--calibrate`), the network from clips of `tuning` too.
The attacks are rendered by those who wrote the checks: the figures show that the checks do what they are meant to, not
how they fare against an attacker.
"""

import hashlib
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any
from zipfile import ZipFile

import cv2
import numpy as np

from idproof.benchmarks.harness.output import RENDERED, Run, figure, plain
from idproof.benchmarks.harness.recorder import Asked, Recorder
from idproof.benchmarks.harness.resume import KeptLines
from idproof.benchmarks.liveness.clips import drawn_by, photographs
from idproof.benchmarks.metrics import rate
from idproof.datasets.rendered_people.camera import decoded
from idproof.datasets.rendered_people.clips import BONA_FIDE, SPECIES, Distance, Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.liveness_texture import FILE, SHA256, TextureNetwork
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.decide import decide
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.liveness import crops, examiner, injection, passive
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.types import CheckResult, Decision

_MARGIN = 0.5
_USUAL = 50  # clips of each kind in the runs that `unseen_by` names
_QUOTIENTS = (injection.REPEATS, injection.NOISE)
_SEED_STEP = 1_000_003
CARRIED = frozenset({"print_flat", "print_bent", "photo_moved", "photo_cut_eyes", "screen_photo", "screen_video"})
"""Species on paper or a display: those that the network was trained on, or on others like them."""


@dataclass(frozen=True)
class Task:
    """One clip to render and examine."""

    photograph: RGBImage
    kind: str
    split: Split
    seed: tuple[int, ...]
    profile: str
    distance: Distance = Distance.ARM
    calibration: Path = examiner.CALIBRATION_FILE


@dataclass(frozen=True)
class Measured:
    """What one clip gave; only numbers and names leave the worker."""

    kind: str
    accepted: bool
    objections: tuple[str, ...]
    values: Mapping[str, float | None]
    ms: float
    frames: int
    accepted_left_out: bool | None = None


def run(
    root: Path,
    *,
    clips: int = 50,
    people: int | None = None,
    profile: str = "open",
    distance: Distance = Distance.ARM,
    unseen_by: Sequence[int] = (),
    calibration: Path = examiner.CALIBRATION_FILE,
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    resume: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Render and examine `clips` clips of people and of each species of attack, each of another person of `test`.

    Args:
        root: LFW's 250 × 250 pictures, folder or zip.
        clips: of each kind.
        people: bona fide clips, where there shall be more or fewer of them.
        profile: of the networks that find and compare faces.
        distance: at which everybody, and every attack, is seen.
        unseen_by: seeds of earlier runs of 50 clips each; nobody whom they drew is drawn again.
        calibration: the file that limits come from.
        runner: where.
        seed: of everything rendered.
        resume: a file to stop and resume by.
        progress: called with clips done and in total.

    Raises:
        CalibrationInvalid: the calibration cannot be used.
        RunNotResumable: the file to resume by is of another run.
    """
    kinds = (BONA_FIDE, *SPECIES)
    before = drawn_by(root, Split.TEST, _USUAL * len(kinds), unseen_by, _opened(profile).detector)
    counts = [clips if people is None else people, *(clips for _ in SPECIES)]
    source = _limits(calibration).source
    drawn = _tasks(root, Split.TEST, dict(zip(kinds, counts, strict=True)), profile, seed, distance, before)
    tasks = [replace(task, calibration=calibration) for task in drawn]
    kept = _kept(resume, tasks, profile, calibration)
    todo = [place for place in range(len(tasks)) if place not in kept.done]
    for place, result in zip(todo, runner(_measure, [tasks[place] for place in todo]), strict=True):
        kept.add(place, asdict(result))
        progress(len(kept.done), len(tasks))
    measured = [Measured(**kept.done[place]) for place in range(len(tasks))]
    return Run(
        bench="liveness",
        profile=profile,
        weights={**_opened(profile).weights, FILE: SHA256},
        seed=seed,
        counts=_counts(measured),
        figures=_figures(measured),
        extra={
            "data": RENDERED,
            "distance": distance.value,
            "people_unseen_by_seeds": list(unseen_by),
            "calibration": dict(source),
            "values_of_bona_fide": _quantiles(measured),
        },
    )


def calibrate(
    root: Path,
    *,
    clips: int,
    profile: str,
    runner: TaskRunner,
    seed: int,
    recipe: str,
    distance: Distance = Distance.ARM,
) -> dict[str, Any]:
    """What bona fide clips of the split `tuning` measure, as `pipeline/liveness/calibration.json` holds it."""
    measured = list(runner(_recorded, _tasks(root, Split.TUNING, {BONA_FIDE: clips}, profile, seed, distance)))
    values: dict[str, list[float]] = {}
    for found in measured:
        for asked in found.asked:
            values.setdefault(asked.name, []).append(asked.value)
    first = Calibration({name: tuple(sorted(row)) for name, row in values.items()}, _MARGIN, frozenset(_QUOTIENTS))
    against = [_against(found, first) for found in measured]
    table = {
        name: sorted(round(value, 5) for value in row) for name, row in (values | {examiner.NAME: against}).items()
    }
    return {
        "margin": _MARGIN,
        "quotients": list(_QUOTIENTS),
        "source": {"recipe": recipe, "clips": len(measured), "seed": seed, "network": SHA256},
        "values": table,
    }


def _against(found: "_Recorded", everybody: Calibration) -> float:
    """The evidence against one clip by what the others measured: one judged later has no part in the limits either."""
    others = {asked.name: list(everybody.values[asked.name]) for asked in found.asked}
    for asked in found.asked:
        others[asked.name].remove(asked.value)
    rest = replace(everybody, values={name: tuple(row) for name, row in others.items()})
    return examiner.mean_negative_log_score([*found.others, *(asked.of(rest) for asked in found.asked)])


def _kept(file: Path | None, tasks: Sequence[Task], profile: str, calibration: Path) -> KeptLines:
    """The clips that an earlier part of this very run examined, with these networks and limits."""
    limits = hashlib.sha256(calibration.read_bytes()).hexdigest()
    clips = [[task.kind, list(task.seed), task.distance.value, zlib.crc32(task.photograph.tobytes())] for task in tasks]
    return KeptLines(file, [clips, _opened(profile).weights, SHA256, limits], "people, clips, networks or limits")


def _tasks(
    root: Path,
    split: Split,
    clips: Mapping[str, int],
    profile: str,
    seed: int,
    distance: Distance = Distance.ARM,
    but: Collection[str] = (),
) -> list[Task]:
    people = photographs(root, split, sum(clips.values()), seed, _opened(profile).detector, but)
    return [
        Task(photograph, kind, split, (seed, _SEED_STEP, place, number), profile, distance)
        for number, (kind, count) in enumerate(clips.items())
        for place, (_, photograph) in enumerate(islice(people, count))
    ]


class _Opened:
    """Once a process."""

    def __init__(self, profile: str) -> None:
        cv2.setNumThreads(1)
        engines = load_engines(profile)
        self.weights = engines.weights
        self.network = TextureNetwork.shipped()
        self.detector, self._embedder, self._ensemble = engines.detector, engines.embedder, engines.passive

    def examiner(self, calibration: Calibration) -> LivenessExaminer:
        return LivenessExaminer(self.detector, self._embedder, self.network, calibration, self._ensemble)


@lru_cache(maxsize=1)
def _opened(profile: str) -> _Opened:
    return _Opened(profile)


@lru_cache(maxsize=2)
def _limits(calibration: Path) -> Calibration:
    return Calibration.load(calibration)


def _rendered(task: Task) -> tuple[Sitting, Any]:
    draws = Draws(np.random.default_rng(task.seed), task.split)
    sitting = Sitting.draw(task.photograph, draws, distance=task.distance)
    return sitting, (bona_fide if task.kind == BONA_FIDE else SPECIES[task.kind])(sitting)


def _measure(task: Task) -> Measured:
    sitting, clip = _rendered(task)
    limits = _limits(task.calibration)
    liveness = _opened(task.profile).examiner(limits)
    start = time.perf_counter()
    results = liveness.examine(clip, sitting.challenge)
    ms = (time.perf_counter() - start) * 1000
    decision, reasons = decide(results, (examiner.NAME,))
    return Measured(
        kind=task.kind,
        accepted=decision is Decision.ACCEPT,
        objections=reasons,
        values={result.name: result.value for result in results},
        ms=ms,
        frames=len(clip.frames),
        accepted_left_out=_left_out(task.kind, results, decision, limits),
    )


def _left_out(kind: str, results: list[CheckResult], decision: Decision, limits: Calibration) -> bool | None:
    """Whether a clip is accepted when nothing learned from its species has a say.

    Limits come from bona fide clips alone. What the network learned from attacks of the same family is taken out by
    leaving its check, and its share of the fused score, away.
    """
    if kind == BONA_FIDE:
        return None
    if kind not in CARRIED:
        return decision is Decision.ACCEPT
    rest = [result for result in results if result.name not in (passive.TEXTURE, examiner.NAME)]
    return decide([*rest, examiner.fuse_scores(rest, limits)], (examiner.NAME,))[0] is Decision.ACCEPT


@dataclass(frozen=True)
class _Recorded:
    """What the checks of one clip measured, and the results of those that need no calibration."""

    asked: list[Asked]
    others: list[CheckResult]


def _recorded(task: Task) -> _Recorded:
    sitting, clip = _rendered(task)
    recorder = Recorder()
    results = _opened(task.profile).examiner(recorder).check_frames(clip, sitting.challenge)
    names = {asked.name for asked in recorder.asked}
    return _Recorded(recorder.asked, [result for result in results if result.name not in names])


def _figures(measured: list[Measured]) -> dict[str, Any]:
    people = [entry for entry in measured if entry.kind == BONA_FIDE]
    figures = {"liveness.bpcer": figure(rate(sum(not entry.accepted for entry in people), len(people)))}
    for kind in SPECIES:
        attacks = [entry for entry in measured if entry.kind == kind]
        figures[f"liveness.apcer.{kind}"] = figure(rate(sum(entry.accepted for entry in attacks), len(attacks)))
        through = sum(bool(entry.accepted_left_out) for entry in attacks)
        figures[f"liveness.leave_one_out.apcer.{kind}"] = figure(rate(through, len(attacks)))
    full = [entry.ms for entry in people if entry.frames == 16]
    if full:
        figures["liveness.clip16.p50_ms"] = plain(median(full), len(full), "ms")
    return figures


def _counts(measured: list[Measured]) -> dict[str, Any]:
    objections: dict[str, Counter[str]] = {}
    for entry in measured:
        objections.setdefault(entry.kind, Counter()).update(entry.objections)
    return {
        "clips": dict(Counter(entry.kind for entry in measured)),
        "objections": {kind: dict(counter.most_common()) for kind, counter in objections.items()},
    }


def _quantiles(measured: list[Measured]) -> dict[str, list[float]]:
    people = [entry for entry in measured if entry.kind == BONA_FIDE]
    names = sorted({name for entry in people for name in entry.values})
    known = {name: [v for entry in people if (v := entry.values.get(name)) is not None] for name in names}
    return {
        name: [round(float(q), 4) for q in np.quantile(row, (0, 0.05, 0.5, 0.95, 1))]
        for name, row in known.items()
        if row
    }


def write(table: Mapping[str, Any], file: Path) -> None:
    """A calibration as the package ships it."""
    file.write_text(json.dumps(table) + "\n", encoding="utf-8")


def wild(folder_or_zip: Path, profile: str = "open") -> Iterator[tuple[str, float | None]]:
    """The network's logit for each picture of a folder of single photographs, None where no face is found."""
    engines, network = load_engines(profile), TextureNetwork.shipped()
    with ZipFile(folder_or_zip) as archive:
        for name in sorted(archive.namelist()):
            image = decoded(np.frombuffer(archive.read(name), dtype=np.uint8))
            faces = engines.detector.detect(image)
            if not faces:
                yield name, None
                continue
            crop = ([crops.skin(image, faces[0])], [crops.context(image, faces[0])])
            yield name, float(network.logits(*crop)[0])
