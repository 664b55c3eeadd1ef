"""Intervals and differences where attempts are not independent: resampling by person or by picture.

Comparisons of one person's pictures are correlated, so an interval over comparisons is too narrow. Here whole units,
people or pictures, are drawn with replacement (Efron, "Bootstrap methods", 1979; Poh, Martin and Bengio,
"Performance generalization in biometric authentication using joint user-specific and sample bootstraps", 2007): a
comparison of two units drawn a and b times counts a × b times, one within a unit as often as the unit was drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from idproof.benchmarks.metrics.rates import Rate, Scores

Weights = NDArray[np.float64]
"""(units,): number of times that each unit was drawn; all ones for the sample itself."""


@dataclass(frozen=True)
class Comparisons:
    """Scores, and the two units of each comparison.

    Attributes:
        scores: (n,).
        first, second: (n,) numbers of units, from 0; equal when both pictures are of one unit.
    """

    scores: Scores
    first: NDArray[np.integer]
    second: NDArray[np.integer]

    def __post_init__(self) -> None:
        if not self.scores.shape == self.first.shape == self.second.shape or self.scores.ndim != 1:
            raise ValueError("scores and units are lists of one length")

    def falling(self) -> Self:
        """Returns the comparisons with the highest score first."""
        order = np.argsort(-self.scores, kind="stable")
        return type(self)(self.scores[order], self.first[order], self.second[order])

    def counted(self, weights: Weights) -> Weights:
        """Returns (n,): the weight of each comparison."""
        first, second = weights[self.first], weights[self.second]
        return np.asarray(np.where(self.first == self.second, first, first * second), dtype=np.float64)


def interval(
    statistic: Callable[[Weights], float], units: int, *, draws: int = 1000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """Returns the percentile interval of a statistic over units drawn with replacement.

    Args:
        statistic: of the weights; NaN where it is undefined; such draws are left out.
        units: number of people, or of pictures.
        draws: number of draws.
        seed: the same seed gives the same interval.
        confidence: of the interval.

    Raises:
        ValueError: fewer than two units, or a statistic that most draws leave undefined.
    """
    if units < 2:
        raise ValueError("resampling needs two units or more")
    rng = np.random.default_rng(seed)
    found = np.array([statistic(_draw(rng, units)) for _ in range(draws)])
    found = found[~np.isnan(found)]
    if found.size < draws / 2:
        raise ValueError("the statistic is undefined for most draws")
    low, high = np.quantile(found, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)


def fnmr_interval(
    tail: Comparisons,
    genuine: Comparisons,
    pictures: NDArray[np.integer],
    fmr: float,
    *,
    draws: int = 400,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns the 95 % interval of the FNMR at an FMR, by person; every draw finds its own threshold.

    Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap" (2004); for pairs
    of people Fogliato, Patil and Perona, "Confidence intervals for error rates in 1:1 matching tasks" (2024).

    Args:
        tail: the highest impostor comparisons, at least about twice as many as the rate lets through, or all.
        genuine: all genuine comparisons.
        pictures: (people,) pictures of each person, from which the number of impostor comparisons follows.
        fmr: the rate.
        draws: number of draws.
        seed: of the draws.

    Returns:
        The bounds; NaN without comparisons of both kinds.
    """
    if tail.scores.size == 0 or genuine.scores.size == 0:
        return float("nan"), float("nan")
    ordered = tail.falling()

    def fnmr(weights: Weights) -> float:
        threshold = weighted_threshold(ordered, weighted_impostors(pictures, weights), fmr, weights)
        return weighted_fnmr(genuine, threshold, weights)

    return interval(fnmr, pictures.size, draws=draws, seed=seed)


def weighted_fnmr(genuine: Comparisons, threshold: float, weights: Weights) -> float:
    """Returns the FNMR at a threshold with weighted comparisons; NaN when none was drawn, or without a threshold."""
    counted = genuine.counted(weights)
    total = counted.sum()
    if total == 0 or np.isnan(threshold):
        return float("nan")
    return float(counted[genuine.scores < threshold].sum() / total)


def weighted_threshold(tail: Comparisons, total: float, fmr: float, weights: Weights) -> float:
    """Returns the lowest threshold that promises an FMR of at most `fmr` under these weights.

    Args:
        tail: the highest impostor comparisons, the highest first (`Comparisons.falling`); enough that the threshold
            lies among them.
        total: weight of all impostor comparisons (`weighted_impostors`).
        fmr: the rate.
        weights: of the units.

    Returns:
        The threshold, or NaN when it lies below the tail.

    Raises:
        ValueError: an empty tail.
    """
    if tail.scores.size == 0:
        raise ValueError("a threshold needs impostor scores")
    accepted = np.cumsum(tail.counted(weights))
    # Equal scores are accepted together.
    ends = np.flatnonzero(np.append(tail.scores[1:] != tail.scores[:-1], True))
    refused = ends[accepted[ends] > fmr * total * (1 + 1e-12)]
    return float(np.nextafter(np.float64(tail.scores[refused[0]]), np.inf)) if refused.size else float("nan")


def weighted_impostors(pictures: NDArray[np.integer], weights: Weights) -> float:
    """Returns the weight of all comparisons between different units, with this many pictures per unit.

    Example:
        >>> weighted_impostors(np.array([2, 1, 1]), np.ones(3))
        5.0
    """
    counted = weights * pictures
    return float((counted.sum() ** 2 - (counted**2).sum()) / 2)


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two systems on the same attempts.

    Attributes:
        value: error rate of the second system less that of the first.
        first_only, second_only: attempts that only one of the systems got wrong.
        p_value: two-sided and exact, under no difference (McNemar, 1947).
    """

    value: float
    first_only: int
    second_only: int
    p_value: float


def difference(first_wrong: NDArray[np.bool_], second_wrong: NDArray[np.bool_]) -> Difference:
    """Compares the errors of two systems on the same, independent attempts; raises ValueError without attempts.

    For comparisons that share people give one value per person, or use `interval` of the difference.

    Example:
        >>> found = difference(np.array([True] * 6 + [False] * 94), np.array([False] * 100))
        >>> found.value, found.p_value
        (-0.06, 0.03125)
    """
    if first_wrong.shape != second_wrong.shape or first_wrong.size == 0:
        raise ValueError("both systems need results of the same attempts")
    first_only = int((first_wrong & ~second_wrong).sum())
    second_only = int((second_wrong & ~first_wrong).sum())
    disagreements = first_only + second_only
    p_value = binomtest(first_only, disagreements).pvalue if disagreements else 1.0
    return Difference((second_only - first_only) / first_wrong.size, first_only, second_only, float(p_value))


def with_interval(found: Rate, bounds: tuple[float, float]) -> Rate:
    """Returns the rate with another interval, such as one by person; it is never narrower than the exact interval."""
    return Rate(found.value, min(found.low, bounds[0]), max(found.high, bounds[1]), found.n)


def _draw(rng: np.random.Generator, units: int) -> Weights:
    return np.bincount(rng.integers(0, units, units), minlength=units).astype(np.float64)
