"""Measures the face comparison over all pairs of a labelled set: error rates and operating points.

The verification takes its thresholds from the output, written to `models/operating_points/PROFILE_face.json`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face import curves, lookalikes, second_view
from idproof.benchmarks.face import groups as face_groups
from idproof.benchmarks.face import templates as face_templates
from idproof.benchmarks.face.pairs import AllPairs, all_pairs, columns
from idproof.benchmarks.face.templates import Templates
from idproof.benchmarks.harness.output import PHOTOGRAPHS, Run, figure, operating_point, plain
from idproof.benchmarks.metrics import Rate, best_accuracy, fmr_at, fnmr_at, rate, threshold_at_fmr
from idproof.benchmarks.metrics.resample import fnmr_interval
from idproof.benchmarks.scores import files
from idproof.datasets.lfw import LabelledFaces
from idproof.models.score_reports import face_thresholds
from idproof.models.types import Engines
from idproof.pipeline.executors.task_runner import TaskRunner

OPERATING_POINTS = (1e-2, 1e-3, 1e-4, 1e-5)
Intervals = Mapping[float, tuple[float, float]]


def measure_face(
    faces: LabelledFaces,
    engines: Engines,
    *,
    dataset: str,
    pairs: Path | None = None,
    groups: str | None = None,
    scores: Path | None = None,
    seed: int = 0,
    runner: TaskRunner | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Makes a template of every picture once and compares all with all.

    Args:
        faces: labelled pictures.
        engines: the profile to measure.
        dataset: `lfw` or `lfw-112`, see `templates.make`.
        pairs: a CSV of labelled pairs (`datasets.lfw.read_pairs`) for the pair accuracy, or None.
        groups: a CSV of labels, or `capture` for how pictures were taken (`groups.py`); rates per group go to
            `groups`, at the thresholds in force.
        scores: file for the score of every comparison, see `scores.files`.
        seed: of the resampling of people for the intervals.
        runner: makes the templates over a cluster; None for this process.
        progress: called with pictures done and in total.
    """
    files.check_name(scores)
    templates = face_templates.make(faces, dataset, engines, progress, runner)
    compared = {step: all_pairs(rows, templates.people) for step, rows in templates.steps.items()}
    figures: dict[str, Mapping[str, Any]] = {}
    for step, found in compared.items():
        intervals = _intervals(found, templates, seed)
        figures |= _error_rates(found, intervals, f"face.step.{step}.")
    in_force = compared[list(compared)[-1]]
    if scores is not None:
        files.write(scores, columns(templates.in_force, templates.people))
    figures = _error_rates(in_force, intervals, "face.") | figures
    thresholds = {fmr: threshold_at_fmr(in_force.impostors, fmr) for fmr in OPERATING_POINTS}
    figures |= lookalikes.figures(
        templates.in_force, templates.people, in_force.impostors, thresholds, OPERATING_POINTS
    )
    figures |= second_view.figures(templates.in_force, templates.people, thresholds, OPERATING_POINTS)
    missing = len(faces.names) - templates.places.size
    figures["face.not_found"] = figure(rate(missing, len(faces.names)))
    if pairs is not None:
        accuracy, n = _pair_accuracy(faces, templates, pairs)
        figures["face.pairs.accuracy"] = plain(accuracy, n, "share")
    by_groups: dict[str, Any] = {}
    if groups is not None:
        by_group = _by_group(faces, templates, engines, groups, seed)
        figures |= by_group.figures
        by_groups |= {"groups": by_group.groups, "gates": by_group.gates}
    return Run(
        bench="face",
        profile=engines.profile,
        weights=engines.weights,
        seed=seed,
        counts={
            "people": int(np.unique(templates.people).size),
            "pictures": templates.places.size,
            "impostor_comparisons": in_force.impostors.size,
            "genuine_comparisons": in_force.genuines.scores.size,
        },
        figures=figures,
        extra={
            "data": PHOTOGRAPHS,
            "dataset": dataset,
            "labels": "as published",
            "intervals": "bootstrap by person",
            "operating_points": _operating_points(in_force, intervals),
            "curves": _curves(in_force, templates, seed),
            **by_groups,
        },
    )


def _by_group(
    faces: LabelledFaces, templates: Templates, engines: Engines, groups: str, seed: int
) -> face_groups.ByGroup:
    if groups == face_groups.CAPTURE:
        labels = face_groups.labels_of_capture(faces, templates.places, engines)
    else:
        labels = face_groups.labels_from(Path(groups), faces, templates.places)
    thresholds = face_thresholds(engines.profile)
    return face_groups.rates(templates, labels, {fmr: thresholds[fmr] for fmr in (1e-3, 1e-4)}, seed)


def _curves(found: AllPairs, templates: Templates, seed: int) -> dict[str, Any]:
    if not (found.impostors.size and found.genuines.scores.size):
        return {}
    drawn = curves.curve(found.impostors, found.genuines, data=PHOTOGRAPHS, people=templates.pictures.size, seed=seed)
    return {"face": drawn}


def _intervals(found: AllPairs, templates: Templates, seed: int) -> Intervals:
    return {
        fmr: fnmr_interval(found.tail, found.genuines, templates.pictures, fmr, seed=seed) for fmr in OPERATING_POINTS
    }


def _error_rates(found: AllPairs, intervals: Intervals, prefix: str) -> dict[str, Mapping[str, Any]]:
    return {
        f"{prefix}fnmr@fmr{_short(fmr)}": figure(_fnmr(found, threshold_at_fmr(found.impostors, fmr), intervals[fmr]))
        for fmr in OPERATING_POINTS
    }


def _operating_points(found: AllPairs, intervals: Intervals) -> list[dict[str, Any]]:
    points = []
    for fmr in OPERATING_POINTS:
        threshold = threshold_at_fmr(found.impostors, fmr)
        fnmr = _fnmr(found, threshold, intervals[fmr])
        points.append(operating_point(fmr, threshold, fmr_at(found.impostors, threshold), fnmr))
    return points


def _fnmr(found: AllPairs, threshold: float, interval: tuple[float, float]) -> Rate:
    """Returns the rate with the interval by person instead of the binomial one."""
    exact = fnmr_at(found.genuines.scores, threshold)
    return exact if np.isnan(interval[0]) else Rate(exact.value, *interval, exact.n)


def _short(fmr: float) -> str:
    return f"{fmr:.0e}".replace("e-0", "e-")


def _pair_accuracy(faces: LabelledFaces, templates: Templates, pairs: Path) -> tuple[float, int]:
    """Returns the accuracy and the number of pairs, over the pairs with both faces found."""
    rows: NDArray[np.intp] = np.full(len(faces.names), -1)
    rows[templates.places] = np.arange(templates.places.size)
    scores: dict[bool, list[float]] = {True: [], False: []}
    for one, other, same in faces.read_pairs(pairs):
        if min(rows[one], rows[other]) >= 0:
            scores[same].append(float(templates.in_force[rows[one]] @ templates.in_force[rows[other]]))
    impostors, genuines = np.array(scores[False]), np.array(scores[True])
    return best_accuracy(impostors, genuines), impostors.size + genuines.size
