"""Error rates of comparisons of people, over all, per group and per species of attack (ISO/IEC 19795-1 and -10).

Thresholds are found on the same comparisons, so a measured FMR holds by construction: it is no promise for others. A
threshold in force is tried as it is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face import curves
from idproof.benchmarks.harness.output import figure, operating_point, plain
from idproof.benchmarks.metrics import Rate, fmr_at, fnmr_at, rate, threshold_at_fmr
from idproof.benchmarks.metrics.curve import area_under_curve, d_prime, equal_error_rate
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.benchmarks.scores.intervals import missed_at_fmr, share_at_least, share_below
from idproof.benchmarks.scores.result import Figures, SystemResult, short, without_score
from idproof.benchmarks.scores.table import SystemScores

FMRS = (1e-2, 1e-3, 1e-4, 1e-5)
INDEPENDENT = "exact binomial, as if comparisons were independent"
Rows = NDArray[np.bool_]


def measure(
    system: SystemScores, *, fmrs: Sequence[float] = FMRS, in_force: float | None = None, data: str, seed: int = 0
) -> SystemResult:
    """Returns the figures of one system.

    Args:
        system: its scores.
        fmrs: false match rates of the operating points; those that the impostors are too few for are noted.
        in_force: a threshold to try as it is.
        data: kind of data, see `harness.output`.
        seed: of the intervals.
    """
    found = SystemResult()
    name = f"scores.{system.system}"
    impostors, genuines = system.scores[system.impostors], system.scores[system.positives]
    found.figures |= without_score(system, "genuine", "impostor")
    if impostors.size == 0 or genuines.size == 0:
        found.notes.append(f"error rates of {system.system}: genuine and impostor scores are both needed")
        return found
    found.figures[f"{name}.eer"] = plain(equal_error_rate(impostors, genuines), genuines.size, "share")
    found.figures[f"{name}.auc"] = plain(area_under_curve(impostors, genuines), genuines.size, "ratio")
    _add_d_prime(found, name, impostors, genuines)
    people = _with_people(system)
    for fmr in fmrs:
        if fmr * impostors.size < 1:
            found.notes.append(
                f"FNMR of {system.system} at an FMR of {fmr:g}: {impostors.size:,} impostor comparisons, "
                f"{int(np.ceil(1 / fmr)):,} are needed"
            )
            continue
        threshold = threshold_at_fmr(impostors, fmr)
        fnmr = missed_at_fmr(impostors, genuines, fmr, people, seed)
        point = operating_point(fmr, threshold, fmr_at(impostors, threshold), fnmr)
        found.operating_points.append({"system": system.system} | point)
        found.thresholds[f"fmr{short(fmr)}"] = threshold
        _add_rates(found, system, threshold, f"{name}.{{}}@fmr{short(fmr)}", seed, fnmr)
    if in_force is not None:
        found.thresholds["in_force"] = in_force
        _add_rates(found, system, in_force, f"{name}.in_force.{{}}", seed)
    found.curves[system.system] = _curve(system, data, seed)
    return found


def _add_d_prime(found: SystemResult, name: str, impostors: NDArray[Any], genuines: NDArray[Any]) -> None:
    apart = d_prime(impostors, genuines)
    if np.isfinite(apart):
        found.figures[f"{name}.d_prime"] = plain(apart, genuines.size, "standard deviations")


def _add_rates(
    found: SystemResult, system: SystemScores, threshold: float, figure_name: str, seed: int, fnmr: Rate | None = None
) -> None:
    """Adds the rates at one threshold: over all, by group, group by group, and per species of attack."""
    missed, matched = figure_name.format("fnmr"), figure_name.format("fmr")
    found.figures[missed] = figure(fnmr or _missed(system, system.positives, threshold, seed))
    found.figures[matched] = figure(_matched(system, system.impostors, threshold, seed))
    for species, rows in system.species().items():
        if rows.any():  # the impostor attack presentation match rate of ISO/IEC 30107-3
            found.figures[figure_name.format(f"iapmr.{species}")] = figure(_matched(system, rows, threshold, seed))
    one, other = system.group_pairs()
    names = [str(group) for group in np.unique(np.concatenate([one, other])) if group]
    genuine = {group: system.positives & (one == group) & (other == group) for group in names}
    found.groups[missed] = {
        group: figure(_missed(system, rows, threshold, seed)) for group, rows in genuine.items() if rows.any()
    }
    matrix: dict[str, Figures] = {
        group: {
            second: figure(_matched(system, rows, threshold, seed))
            for second in names
            if (rows := system.impostors & (one == group) & (other == second)).any()
        }
        for group in names
    }
    found.groups[matched] = {group: row[group] for group, row in matrix.items() if group in row}
    if len(names) > 1 and any(matrix.values()):
        found.group_matrices[matched] = matrix


def _missed(system: SystemScores, rows: Rows, threshold: float, seed: int) -> Rate:
    found = system.comparisons(rows)
    return fnmr_at(system.scores[rows], threshold) if found is None else share_below(found, threshold, seed)


def _matched(system: SystemScores, rows: Rows, threshold: float, seed: int) -> Rate:
    if not rows.any():
        return rate(0, 0)
    found = system.comparisons(rows)
    return fmr_at(system.scores[rows], threshold) if found is None else share_at_least(found, threshold, seed)


def _with_people(system: SystemScores) -> tuple[Comparisons, Comparisons] | None:
    impostors, genuines = system.comparisons(system.impostors), system.comparisons(system.positives)
    return None if impostors is None or genuines is None else (impostors, genuines)


def _curve(system: SystemScores, data: str, seed: int) -> dict[str, Any]:
    impostors, people = system.scores[system.impostors], system.people
    genuines = system.comparisons(system.positives)
    if genuines is None or people is None:
        scores = system.scores[system.positives]
        alone = np.arange(scores.size)
        return curves.curve(impostors, Comparisons(scores, alone, alone), data=data) | {"interval": INDEPENDENT}
    return curves.curve(impostors, genuines, data=data, people=1 + max(map(int, map(np.max, people))), seed=seed)
