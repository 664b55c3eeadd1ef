"""Rates with exact intervals, and thresholds that promise at most a rate (ISO/IEC 19795-1:2021)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of attempts with its exact 95 % interval.

    Attributes:
        value: events / n; NaN when n is 0.
        low, high: Clopper-Pearson; for no event in n attempts the upper bound is the one-sided "rule of three",
            exactly 1 - 0.05^(1/n), about 3/n.
        n: attempts behind it.
    """

    value: float
    low: float
    high: float
    n: int


def rate(events: int, n: int) -> Rate:
    """Returns a binomial rate; raises ValueError unless 0 <= events <= n.

    Clopper and Pearson, "The use of confidence or fiducial limits" (1934); for zero events Hanley and
    Lippman-Hand, "If nothing goes wrong, is everything all right?" (1983).

    Example:
        >>> rate(0, 300).high < 3 / 300
        True
    """
    if not 0 <= events <= n:
        raise ValueError("events lie between 0 and the number of attempts")
    if n == 0:
        return Rate(float("nan"), 0.0, 1.0, 0)
    if events == 0:
        return Rate(0.0, 0.0, float(1 - 0.05 ** (1 / n)), n)
    interval = binomtest(events, n).proportion_ci(0.95, method="exact")
    return Rate(events / n, float(interval.low), float(interval.high), n)


def threshold_at_fmr(impostors: Scores, fmr: float) -> float:
    """Returns the lowest threshold that promises a false match rate of at most `fmr` on these scores, ties included.

    Raises:
        ValueError: no scores, or a rate outside 0..1.

    Example:
        >>> scores = np.array([0.1, 0.2, 0.3, 0.4])
        >>> float((scores >= threshold_at_fmr(scores, 0.25)).mean())
        0.25
    """
    if impostors.size == 0 or not 0 <= fmr <= 1:
        raise ValueError("a threshold needs impostor scores and a rate in 0..1")
    allowed = int(np.floor(fmr * impostors.size * (1 + 1e-12)))
    if allowed >= impostors.size:
        return float(impostors.min())
    first_refused = np.partition(impostors, impostors.size - 1 - allowed)[impostors.size - 1 - allowed]
    return float(np.nextafter(first_refused, np.inf, dtype=impostors.dtype))


def fmr_at(impostors: Scores, threshold: float) -> Rate:
    """Returns the false match rate at a threshold."""
    return rate(int((impostors >= threshold).sum()), impostors.size)


def fnmr_at(genuines: Scores, threshold: float) -> Rate:
    """Returns the false non-match rate at a threshold."""
    return rate(int((genuines < threshold).sum()), genuines.size)


def false_accept_rate(fmr: float, failure_to_acquire: float) -> float:
    """Returns the FAR of transactions of one attempt: impostors who are captured and match.

    ISO/IEC 19795-1:2021: FAR = FMR × (1 - FTA).

    Example:
        >>> false_accept_rate(0.01, 0.1)
        0.009000000000000001
    """
    _shares(fmr, failure_to_acquire)
    return fmr * (1 - failure_to_acquire)


def false_reject_rate(fnmr: float, failure_to_acquire: float) -> float:
    """Returns the FRR of transactions of one attempt: people who are not captured, or are captured and do not match.

    ISO/IEC 19795-1:2021: FRR = FTA + FNMR × (1 - FTA).

    Example:
        >>> round(false_reject_rate(0.02, 0.1), 4)
        0.118
    """
    _shares(fnmr, failure_to_acquire)
    return failure_to_acquire + fnmr * (1 - failure_to_acquire)


def attempts_for_claim(rate_claimed: float, confidence: float = 0.95) -> int:
    """Returns the number of attempts without an error that allows the claim of a rate below `rate_claimed`.

    The rule of three, exactly: the least n with (1 - rate)^n <= 1 - confidence. It holds for independent attempts;
    comparisons that share people are not (`resample`).

    Example:
        >>> attempts_for_claim(0.01), attempts_for_claim(0.1)
        (299, 29)
    """
    if not 0 < rate_claimed < 1 or not 0 < confidence < 1:
        raise ValueError("a claim and its confidence lie between 0 and 1")
    return int(np.ceil(np.log1p(-confidence) / np.log1p(-rate_claimed)))


def _shares(*values: float) -> None:
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("rates lie in 0..1")


def best_accuracy(impostors: Scores, genuines: Scores) -> float:
    """Returns the largest share of pairs that one threshold classifies correctly, 0..1."""
    scores = np.concatenate([impostors, genuines])
    genuine = np.concatenate([np.zeros(impostors.size), np.ones(genuines.size)])[np.argsort(scores)]
    right_if_cut_before = np.concatenate([[genuine.sum()], genuine.sum() + np.cumsum(1 - 2 * genuine)])
    # A cut between equal scores is not a threshold.
    ordered = np.sort(scores)
    possible = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    return float(right_if_cut_before[possible].max() / scores.size)
