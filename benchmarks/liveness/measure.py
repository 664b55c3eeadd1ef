"""Measures the error rates of the liveness examination on rendered people and attacks, per species.

BPCER is the share of bona fide clips that are not accepted, APCER of a species the share of its attacks that are
(ISO/IEC 30107-3:2023). A clip is accepted when every liveness check passes. People, cameras, light and materials are of
the split `test`. The limits come from bona fide clips of the split `tuning` (`idproof bench calibrate liveness`). The
people who wrote the checks also rendered the attacks: the figures show
that the checks do what they are meant to do, not how they fare against an attacker.
"""

import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from idproof.benchmarks.harness.output import RENDERED, Run, figure, plain
from idproof.benchmarks.harness.resume import ResumeFile
from idproof.benchmarks.liveness.people import drawn_by
from idproof.benchmarks.liveness.rendering import ClipTask, clip_tasks, open_engines, render
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.scores import checks, files
from idproof.datasets.rendered_people.clips import BONA_FIDE, SPECIES, Distance
from idproof.datasets.specimen.draws import Split
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.decide import decide
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.liveness import examiner
from idproof.pipeline.types import Decision

_CLIPS_OF_EARLIER_RUNS = 50
"""Clips per kind in the runs that `unseen_by` names: the default of `idproof bench liveness`."""


@dataclass(frozen=True)
class Measured:
    """Measurements of one clip; only numbers and names leave the worker.

    Attributes:
        kind: `bona_fide` or a species of attack.
        accepted: whether every check passed.
        objections: reasons against it.
        values: check to value, None where it could not be assessed.
        ms: time of the examination.
        frames: of the clip.
        scores: check to score, None where it could not be assessed; empty in files to resume by that lack it.
    """

    kind: str
    accepted: bool
    objections: tuple[str, ...]
    values: Mapping[str, float | None]
    ms: float
    frames: int
    scores: checks.CheckScores = field(default_factory=dict)


def measure_liveness(
    root: Path,
    *,
    clips: int = 50,
    people: int | None = None,
    species: Iterable[str] = tuple(SPECIES),
    profile: str = "open",
    distance: Distance = Distance.ARM,
    unseen_by: Sequence[int] = (),
    calibration: Path = examiner.CALIBRATION_FILE,
    gaze: bool = False,
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    resume: Path | None = None,
    scores: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Renders and examines clips of people and of each species of attack, each of another person of `test`.

    Args:
        root: LFW's 250 × 250 pictures, folder or zip.
        clips: per kind.
        people: number of bona fide clips, when it differs from `clips`.
        species: of attacks.
        profile: of the networks that find and compare faces.
        distance: of every person and every attack from the camera.
        unseen_by: seeds of earlier runs of 50 clips per kind; their people are not drawn again.
        calibration: file that the limits come from.
        gaze: whether eyes that do not stay on the screen refer (`idproof.pipeline.liveness.gaze`).
        runner: where the clips are rendered and examined.
        seed: of everything rendered.
        resume: file to stop and resume by.
        scores: file for the scores of every check, see `scores.files`.
        progress: called with clips done and in total.

    Raises:
        CalibrationInvalid: the calibration cannot be used.
        RunNotResumable: the file to resume by is of another run.
    """
    files.check_name(scores)
    attacks = tuple(species)
    # Earlier runs drew people for all species, whatever is measured now.
    drawn = _CLIPS_OF_EARLIER_RUNS * (1 + len(SPECIES))
    before = drawn_by(root, Split.TEST, drawn, unseen_by, open_engines(profile).detector)
    counts = {BONA_FIDE: clips if people is None else people} | dict.fromkeys(attacks, clips)
    source = _limits(calibration).source
    rendered = clip_tasks(root, Split.TEST, counts, profile, seed, distance, before)
    tasks = [replace(task, calibration=calibration, gaze=gaze) for task in rendered]
    file = _resume_file(resume, tasks, profile, calibration)
    measured = file.run(runner, _measure, tasks, after_each=lambda: progress(len(file.done), len(tasks)))
    if scores is not None:
        files.write(scores, checks.columns((entry.kind, entry.scores) for entry in measured))
    return Run(
        bench="liveness",
        profile=profile,
        weights=open_engines(profile).weights,
        seed=seed,
        counts=_counts(measured),
        figures=_figures(measured, attacks),
        extra={
            "data": RENDERED,
            "distance": distance.value,
            "people_unseen_by_seeds": list(unseen_by),
            "calibration": dict(source),
            "values_of_bona_fide": _quantiles(measured),
        },
    )


def _resume_file(file: Path | None, tasks: Sequence[ClipTask], profile: str, calibration: Path) -> ResumeFile[Measured]:
    """Opens the results of an earlier part of the same run, with the same networks and limits."""
    limits = hashlib.sha256(calibration.read_bytes()).hexdigest()
    clips = [
        [task.kind, list(task.seed), task.distance.value, task.gaze, zlib.crc32(task.photograph.tobytes())]
        for task in tasks
    ]
    return ResumeFile(
        file,
        [clips, open_engines(profile).weights, limits],
        "people, clips, networks or limits",
        encode=asdict,
        decode=lambda entry: Measured(**entry),
    )


@lru_cache(maxsize=2)
def _limits(calibration: Path) -> Calibration:
    return Calibration.load(calibration)


def _measure(task: ClipTask) -> Measured:
    sitting, clip = render(task)
    limits = _limits(task.calibration)
    liveness = open_engines(task.profile).examiner(limits, gaze=task.gaze)
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
        scores=checks.scores_of(results),
    )


def _figures(measured: Sequence[Measured], species: Iterable[str]) -> dict[str, Any]:
    people = [entry for entry in measured if entry.kind == BONA_FIDE]
    figures = {"liveness.bpcer": figure(rate(sum(not entry.accepted for entry in people), len(people)))}
    for kind in species:
        attacks = [entry for entry in measured if entry.kind == kind]
        figures[f"liveness.apcer.{kind}"] = figure(rate(sum(entry.accepted for entry in attacks), len(attacks)))
        # Nothing in the examination was learned from attacks, so that leaving a species out changes nothing.
        figures[f"liveness.leave_one_out.apcer.{kind}"] = figures[f"liveness.apcer.{kind}"]
    for frames in sorted({entry.frames for entry in people}):  # more where eyes are closed
        times = [entry.ms for entry in people if entry.frames == frames]
        figures[f"liveness.clip{frames}.p50_ms"] = plain(median(times), len(times), "ms")
    return figures


def _counts(measured: Sequence[Measured]) -> dict[str, Any]:
    objections: dict[str, Counter[str]] = {}
    for entry in measured:
        objections.setdefault(entry.kind, Counter()).update(entry.objections)
    return {
        "clips": dict(Counter(entry.kind for entry in measured)),
        "objections": {kind: dict(counter.most_common()) for kind, counter in objections.items()},
    }


def _quantiles(measured: Sequence[Measured]) -> dict[str, list[float]]:
    people = [entry for entry in measured if entry.kind == BONA_FIDE]
    names = sorted({name for entry in people for name in entry.values})
    known = {name: [v for entry in people if (v := entry.values.get(name)) is not None] for name in names}
    return {
        name: [round(float(q), 4) for q in np.quantile(row, (0, 0.05, 0.5, 0.95, 1))]
        for name, row in known.items()
        if row
    }
