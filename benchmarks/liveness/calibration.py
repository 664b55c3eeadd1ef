"""Measures what the liveness checks give for bona fide clips: the file that their limits come from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idproof.benchmarks.harness.recorder import Judgement, RecordingCalibration
from idproof.benchmarks.liveness.rendering import ClipTask, clip_tasks, open_engines, render
from idproof.datasets.rendered_people.clips import BONA_FIDE, Distance
from idproof.datasets.specimen.draws import Split
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.liveness import examiner, injection
from idproof.pipeline.types import CheckResult

_MARGIN = 0.5
"""Of the limits, see `pipeline.calibration`. Chosen by hand on tuning data; no outside source."""
_QUOTIENTS = (injection.REPEATS,)
_DIGITS = 5  # of the values in the file


@dataclass(frozen=True)
class RecordedClip:
    """Judgements of the checks on one clip, and the results of checks that need no calibration."""

    judgements: list[Judgement]
    others: list[CheckResult]


def calibrate_liveness(
    root: Path,
    *,
    clips: int,
    profile: str,
    seed: int,
    recipe: str,
    distance: Distance = Distance.ARM,
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measures bona fide clips of the split `tuning`; returns what `pipeline/liveness/calibration.json` holds.

    Args:
        root: LFW's 250 × 250 pictures, folder or zip.
        clips: how many.
        profile: of the networks.
        seed: of the people and of everything rendered.
        recipe: the command, recorded in the file.
        distance: of the people from the camera.
        runner: where the clips are rendered and examined.
        progress: called with clips done and in total.
    """
    tasks = clip_tasks(root, Split.TUNING, {BONA_FIDE: clips}, profile, seed, distance)
    recorded = []
    for clip in runner(_record, tasks):
        recorded.append(clip)
        progress(len(recorded), len(tasks))
    values: dict[str, list[float]] = {}
    for clip in recorded:
        for judgement in clip.judgements:
            values.setdefault(judgement.name, []).append(judgement.value)
    first = Calibration({name: tuple(sorted(row)) for name, row in values.items()}, _MARGIN, frozenset(_QUOTIENTS))
    values[examiner.NAME] = [evidence_left_out(clip, first) for clip in recorded]
    return {
        "margin": _MARGIN,
        "quotients": list(_QUOTIENTS),
        "source": {"recipe": recipe, "clips": len(recorded), "seed": seed},
        "values": {name: sorted(round(value, _DIGITS) for value in row) for name, row in values.items()},
    }


def evidence_left_out(clip: RecordedClip, everybody: Calibration) -> float:
    """Returns the evidence against one clip, judged by the other clips alone.

    A clip that is judged later has no part in its limits; here the clip's own values are taken out of them.
    """
    others = {judgement.name: list(everybody.values[judgement.name]) for judgement in clip.judgements}
    for judgement in clip.judgements:
        others[judgement.name].remove(judgement.value)
    rest = replace(everybody, values={name: tuple(row) for name, row in others.items()})
    return examiner.mean_negative_log_score([*clip.others, *(judgement.by(rest) for judgement in clip.judgements)])


def _record(task: ClipTask) -> RecordedClip:
    sitting, clip = render(task)
    recording = RecordingCalibration()
    results = open_engines(task.profile).examiner(recording).check_frames(clip, sitting.challenge)
    names = {judgement.name for judgement in recording.judgements}
    return RecordedClip(recording.judgements, [result for result in results if result.name not in names])
