"""Measures the scores of one or more systems, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.harness.output import CAPTURED, Run
from idproof.benchmarks.scores import attacks, comparisons
from idproof.benchmarks.scores.result import SystemResult
from idproof.benchmarks.scores.table import SystemScores, Task

_BY_PERSON_UNKNOWN = (
    "intervals by person of {}: its scores name no people, so the exact binomial intervals are too narrow where "
    "attempts share people"
)


def measure_scores(
    systems: Sequence[SystemScores],
    *,
    rates: Sequence[float] | None = None,
    thresholds: Mapping[str, float] | None = None,
    data: str = CAPTURED,
    seed: int = 0,
) -> Run:
    """Measures each system by itself.

    Args:
        systems: of one task; systems of one name are one system (`joined`).
        rates: FMR, or APCER of every species, of the operating points; None for the usual ones.
        thresholds: system to the threshold in force, tried as it is.
        data: kind of data, see `harness.output`.
        seed: of the intervals.

    Raises:
        ScoresInvalid: no system, systems of both tasks, or a threshold for a system that is not there.
    """
    every, in_force = joined(systems), thresholds or {}
    if len({system.task for system in every}) != 1:
        raise ScoresInvalid("Scores of comparisons and of attack detection are measured in two runs.")
    unknown = in_force.keys() - {system.system for system in every}
    if unknown:
        raise ScoresInvalid(f"There is a threshold for {', '.join(sorted(unknown))}, but no score.")
    found = [_measured(system, rates, in_force.get(system.system), data, seed) for system in every]
    names = [system.system for system in every]
    extra: dict[str, Any] = {
        "data": data,
        "task": every[0].task.value,
        "systems": names,
        "thresholds": {name: result.thresholds for name, result in zip(names, found, strict=True)},
        "operating_points": [point for result in found for point in result.operating_points],
        "curves": {name: curve for result in found for name, curve in result.curves.items()},
        "groups": {name: rows for result in found for name, rows in result.groups.items() if rows},
        "group_matrices": {name: rows for result in found for name, rows in result.group_matrices.items()},
        "notes": [note for result in found for note in result.notes],
    }
    return Run(
        bench="scores",
        profile="none",
        weights={},
        seed=seed,
        counts={system.system: _counts(system) for system in every},
        figures={name: value for result in found for name, value in result.figures.items()},
        extra=extra,
    )


def joined(systems: Sequence[SystemScores]) -> list[SystemScores]:
    """Returns one entry per system and task: rows of one system may stand in several files.

    Raises:
        ScoresInvalid: no system.
    """
    if not systems:
        raise ScoresInvalid("There is no score.")
    by_name: dict[tuple[str, Task], list[SystemScores]] = {}
    for system in systems:
        by_name.setdefault((system.system, system.task), []).append(system)
    return [_one(same) for same in by_name.values()]


def _one(same: Sequence[SystemScores]) -> SystemScores:
    if len(same) == 1:
        return same[0]
    columns = {column for system in same for column in system.texts}
    return SystemScores(
        same[0].system,
        same[0].task,
        np.concatenate([system.scores for system in same]),
        np.concatenate([system.positive for system in same]),
        {column: np.concatenate([system.text(column) for system in same]) for column in sorted(columns)},
    )


def _measured(
    system: SystemScores, rates: Sequence[float] | None, in_force: float | None, data: str, seed: int
) -> SystemResult:
    if system.task is Task.ATTACK_DETECTION:
        found = attacks.measure(system, apcers=rates or attacks.APCERS, in_force=in_force, data=data)
    else:
        found = comparisons.measure(system, fmrs=rates or comparisons.FMRS, in_force=in_force, data=data, seed=seed)
    if system.task is Task.ATTACK_DETECTION or system.people is None:
        found.notes.append(_BY_PERSON_UNKNOWN.format(system.system))
    return found


def _counts(system: SystemScores) -> dict[str, Any]:
    positive, negative = ("bona_fide", "attack") if system.task is Task.ATTACK_DETECTION else ("genuine", "impostor")
    counts: dict[str, Any] = {
        positive: int(system.positives.sum()),
        negative: int((system.scored & ~system.positive).sum()),
        "no_score": int((~system.scored).sum()),
    }
    species = {name: int(rows.sum()) for name, rows in system.species().items()}
    people = system.people
    if people is not None:
        counts["people"] = int(np.unique(np.concatenate(people)).size)
    return counts | ({"species": species} if species else {})
