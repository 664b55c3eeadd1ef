"""Compares all pairs of an operator's own templates: false match rates over millions of comparisons, by group."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.engine import FixedPoint, Result, TailTooShort, Tally, all_pairs, fixed_point
from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.harness.output import CAPTURED, Run, figure, operating_point
from idproof.benchmarks.metrics import Rate, rate
from idproof.pipeline.executors.task_runner import TaskRunner

FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
_EXACT_SHARE = 2e-2  # twice the largest rate of `FMRS`: every threshold lies among the scores counted one by one
_LEAST_LENGTH = 1e-9


@dataclass(frozen=True)
class OwnTemplates:
    """Templates with their subjects and groups.

    Attributes:
        vectors: (n, dimensions), unit length.
        subjects: (n,) numbers, from 0.
        groups: (n,) numbers of `names`.
        names: of the groups; one without groups.
    """

    vectors: NDArray[np.float32]
    subjects: NDArray[np.intp]
    groups: NDArray[np.intp]
    names: tuple[str, ...]


def read_templates(templates: Path, labels: Path) -> OwnTemplates:
    """Reads templates and the subject of each.

    Args:
        templates: npy of (n, dimensions) numbers, of any length other than 0.
        labels: CSV with the column `subject` and possibly `group`, or npy of n subjects; in the order of the templates.

    Raises:
        ScoresInvalid: a file cannot be read, the numbers of rows differ, a template has no direction, or a subject is
            in two groups.
    """
    vectors = _unit(_array(templates), templates.name)
    subject, group = _labels(labels)
    if len(subject) != len(vectors):
        raise ScoresInvalid(f"{labels.name} has {len(subject):,} rows, {templates.name} {len(vectors):,} templates.")
    subjects = np.unique(subject, return_inverse=True)[1]
    names, groups = np.unique(group, return_inverse=True)
    if len(np.unique(np.column_stack([subjects, groups]), axis=0)) != len(np.unique(subjects)):
        raise ScoresInvalid(f"{labels.name}: a subject stands in two groups.")
    return OwnTemplates(vectors, subjects, groups, tuple(map(str, names)))


def measure_own_templates(
    own: OwnTemplates,
    *,
    data: str = CAPTURED,
    workers: int = 2,
    runner: TaskRunner | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Compares all pairs; raises `ScoresInvalid` without pairs of one subject and of two.

    Args:
        own: the templates.
        data: kind of data, see `harness.output`.
        workers: threads.
        runner: over a cluster instead of threads.
        checkpoint: file to stop and resume by.
        progress: called with comparisons done and in total.
    """
    try:
        templates = fixed_point(own.vectors)
    except ValueError as error:
        raise ScoresInvalid(f"The templates cannot be compared: {error}.") from None
    found = all_pairs(
        templates,
        own.subjects,
        own.groups,
        exact_share=_EXACT_SHARE,
        workers=workers,
        runner=runner,
        checkpoint=checkpoint,
        progress=progress,
    )
    impostor, genuine = found.impostor(), found.genuine()
    if not (impostor.total and genuine.total):
        raise ScoresInvalid("Comparisons of one subject and of different subjects are both needed.")
    thresholds, notes = _thresholds(impostor)
    figures: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    matrices: dict[str, Any] = {}
    for fmr, threshold in thresholds.items():
        end = f"@fmr{fmr:.0e}".replace("e-0", "e-")
        figures[f"far.fmr{end}"] = figure(_matched(impostor, threshold))
        figures[f"far.fnmr{end}"] = figure(_missed(genuine, threshold))
        if len(own.names) > 1:
            matrix = _matrix(found, own.names, threshold)
            matrices[f"far.fmr{end}"] = matrix
            groups[f"far.fmr{end}"] = {name: row[name] for name, row in matrix.items() if name in row}
            groups[f"far.fnmr{end}"] = _by_group(found, own.names, threshold)
    return Run(
        bench="far-engine",
        profile="none",
        weights={},
        seed=0,
        counts={
            "templates": len(own.vectors),
            "subjects": int(own.subjects.max()) + 1,
            "impostor_comparisons": impostor.total,
            "genuine_comparisons": genuine.total,
        },
        figures=figures,
        extra={
            "data": data,
            "templates": "own",
            "largest_error": templates.largest_error,
            "operating_points": _points(templates, thresholds, impostor, genuine),
            "groups": groups,
            "group_matrices": matrices,
            "intervals": "exact binomial, as if comparisons were independent",
            "notes": notes,
        },
    )


def _points(
    templates: FixedPoint, thresholds: Mapping[float, int], impostor: Tally, genuine: Tally
) -> list[dict[str, Any]]:
    return [
        operating_point(fmr, templates.cosine(at), _matched(impostor, at), _missed(genuine, at))
        for fmr, at in thresholds.items()
    ]


def _thresholds(impostor: Tally) -> tuple[dict[float, int], list[str]]:
    """Returns the thresholds of the rates that the impostors are enough for, and a note for each other rate."""
    found, notes = {}, []
    for fmr in FMRS:
        if fmr * impostor.total < 1:
            notes.append(
                f"FNMR at an FMR of {fmr:g}: {impostor.total:,} impostor comparisons, {1 / fmr:,.0f} are needed"
            )
            continue
        try:
            found[fmr] = impostor.threshold(fmr)
        except TailTooShort:
            notes.append(f"FNMR at an FMR of {fmr:g}: its threshold lies below the scores that are counted one by one")
    return found, notes


def _matched(impostor: Tally, threshold: int) -> Rate:
    return rate(impostor.at_least(threshold), impostor.total)


def _missed(genuine: Tally, threshold: int) -> Rate:
    return rate(genuine.total - genuine.at_least(threshold), genuine.total)


def _by_group(found: Result, names: tuple[str, ...], threshold: int) -> dict[str, Any]:
    return {names[number]: figure(_missed(tally, threshold)) for number, tally in found.genuines.items() if tally.total}


def _matrix(found: Result, names: tuple[str, ...], threshold: int) -> dict[str, dict[str, Any]]:
    """Returns the FMR of each group with each other; pairs have no order, so the matrix is symmetric."""
    matrix: dict[str, dict[str, Any]] = {name: {} for name in names}
    for (one, other), tally in sorted(found.impostors.items()):
        if tally.total:
            matrix[names[one]][names[other]] = matrix[names[other]][names[one]] = figure(_matched(tally, threshold))
    return matrix


def _array(file: Path) -> NDArray[Any]:
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        raise ScoresInvalid(f"{file.name} is no npy file of numbers or texts.") from None
    if not isinstance(found, np.ndarray):
        raise ScoresInvalid(f"{file.name} holds several arrays; one is needed.")
    return found


def _unit(vectors: NDArray[Any], name: str) -> NDArray[np.float32]:
    if vectors.ndim != 2 or vectors.dtype.kind not in "iuf" or len(vectors) < 2:
        raise ScoresInvalid(f"{name} is no table of numbers with one template per row, two or more.")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or lengths.min() < _LEAST_LENGTH:
        raise ScoresInvalid(f"{name}: a template is zero or not finite, so that it has no direction.")
    return np.asarray(vectors / lengths, dtype=np.float32)


def _labels(file: Path) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    if file.suffix.lower() == ".npy":
        subjects = _array(file)
        if subjects.ndim != 1:
            raise ScoresInvalid(f"{file.name} is no list of subjects.")
        return subjects.astype(np.str_), np.full(subjects.size, "all")
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ScoresInvalid(f"{file.name} cannot be read.") from None
    if not rows or "subject" not in rows[0]:
        raise ScoresInvalid(f"{file.name} has no column `subject`.")
    return (
        np.array([row["subject"] or "" for row in rows]),
        np.array([row.get("group") or "none" for row in rows]),
    )
