"""Differential performance between groups of people at one fixed threshold (ISO/IEC 19795-10:2024).

Rates are given per group. A group without attempts is an error, since it is not perfect but unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idproof.benchmarks.metrics.rates import Rate


@dataclass(frozen=True, slots=True)
class Gate:
    """The groups that are too much worse than all together (NIST SP 800-63A-4: more than 25 %).

    The interval of a group decides, not its rate alone: one error among few attempts is many times the overall rate and
    shows nothing. The overall rate is taken as measured; it has more attempts than any group.

    Attributes:
        ratios: group to its rate over the overall rate; 1 where both are 0, infinite where only the overall rate is.
        beyond: groups whose whole interval lies above the tolerance.
        undecided: groups whose interval reaches from within the tolerance beyond it: too few attempts to decide.
    """

    ratios: Mapping[str, float]
    beyond: tuple[str, ...]
    undecided: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True if no group is shown to be beyond; `undecided` shows how far that can be trusted."""
        return not self.beyond


def gate(overall: Rate, groups: Mapping[str, Rate], tolerance: float = 1.25) -> Gate:
    """Compares every group with all together; all rates were measured at one threshold.

    Raises:
        ValueError: no groups, or one without attempts.
    """
    _complete(list(groups.values()))
    ratios = {name: _ratio(group.value, overall.value) for name, group in groups.items()}
    allowed = tolerance * overall.value
    beyond = tuple(name for name, group in groups.items() if group.low > allowed)
    undecided = tuple(name for name, group in groups.items() if name not in beyond and group.high > allowed)
    return Gate(ratios, beyond, undecided)


def worst_ratio(groups: Mapping[str, Rate]) -> float:
    """Returns the highest rate over the lowest; infinite when only the lowest is 0 (ISO/IEC 19795-10).

    Example:
        >>> worst_ratio({"a": Rate(0.02, 0, 1, 100), "b": Rate(0.01, 0, 1, 100)})
        2.0
    """
    _complete(list(groups.values()))
    values = [group.value for group in groups.values()]
    return _ratio(max(values), min(values))


def fairness_discrepancy_rate(fmr: Mapping[str, Rate], fnmr: Mapping[str, Rate], alpha: float = 0.5) -> float:
    """Returns the FDR: 1 - (alpha × largest difference of FMR + (1 - alpha) × that of FNMR); 1 is equal treatment.

    De Freitas Pereira and Marcel, "Fairness in biometrics" (2021). At low error rates it is close to 1 whatever
    happens: read it beside the ratios.

    Example:
        >>> even = {"a": Rate(0.1, 0, 1, 10), "b": Rate(0.1, 0, 1, 10)}
        >>> fairness_discrepancy_rate(even, even)
        1.0
    """
    _same_groups(fmr, fnmr, alpha)
    differences = [max(r.value for r in rates.values()) - min(r.value for r in rates.values()) for rates in (fmr, fnmr)]
    return 1 - (alpha * differences[0] + (1 - alpha) * differences[1])


def gini(values: Sequence[float]) -> float:
    """Returns the Gini coefficient of rates, corrected for few groups.

    0 when all are equal or nobody errs, 1 when one group has all errors. Howard et al., "Evaluating proposed fairness
    models for face recognition algorithms" (2022).

    Example:
        >>> gini([0.1, 0.1]), gini([0.0, 0.2])
        (0.0, 1.0)
    """
    if len(values) < 2:
        raise ValueError("differences need two groups or more")
    rates = np.asarray(values, dtype=np.float64)
    if rates.sum() == 0:
        return 0.0
    n = rates.size
    apart = np.abs(rates[:, None] - rates[None]).sum()
    return float(n / (n - 1) * apart / (2 * n * rates.sum()))


def garbe(fmr: Mapping[str, Rate], fnmr: Mapping[str, Rate], alpha: float = 0.5) -> float:
    """Returns the Gini aggregation rate for biometric equitability: alpha × Gini of FMR + (1 - alpha) × Gini of FNMR.

    Howard et al. (2022). 0 is equal treatment.
    """
    _same_groups(fmr, fnmr, alpha)
    of_fmr, of_fnmr = (gini([r.value for r in rates.values()]) for rates in (fmr, fnmr))
    return alpha * of_fmr + (1 - alpha) * of_fnmr


def _ratio(value: float, reference: float) -> float:
    if reference == 0:
        return 1.0 if value == 0 else float("inf")
    return value / reference


def _complete(rates: Sequence[Rate]) -> None:
    if not rates or any(found.n == 0 for found in rates):
        raise ValueError("every group needs attempts")


def _same_groups(fmr: Mapping[str, Rate], fnmr: Mapping[str, Rate], alpha: float) -> None:
    _complete([*fmr.values(), *fnmr.values()])
    if fmr.keys() != fnmr.keys() or not 0 <= alpha <= 1:
        raise ValueError("both rates are needed for the same groups, and alpha lies in 0..1")
