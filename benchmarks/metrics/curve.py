"""The detection error trade-off of a threshold, and single numbers derived from it.

Martin et al., "The DET curve in assessment of detection task performance" (1997); ISO/IEC 19795-1:2021.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import rankdata

from idproof.benchmarks.metrics.rates import Rate, Scores

_DEVIATIONS = 1.959964  # of the normal distribution, two-sided 95 %
_NEAR = 1e-9  # to an area of 0 or 1, where the standard error vanishes
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Det:
    """FMR and FNMR at every threshold that separates scores, from accepting everything to accepting nothing.

    Attributes:
        thresholds: (k,) rising; each distinct score, and infinity.
        fmr: (k,) falling from 1 to 0.
        fnmr: (k,) rising from 0 to 1.
    """

    thresholds: _Floats
    fmr: _Floats
    fnmr: _Floats


def det(impostors: Scores, genuines: Scores) -> Det:
    """Returns the whole curve; raises ValueError when either set is empty.

    Example:
        >>> curve = det(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        >>> curve.fmr.tolist(), curve.fnmr.tolist()
        ([1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0])
    """
    _both(impostors, genuines)
    thresholds = np.append(np.unique(np.concatenate([impostors, genuines])).astype(np.float64), np.inf)
    below_impostors = np.searchsorted(np.sort(impostors), thresholds, side="left")
    below_genuines = np.searchsorted(np.sort(genuines), thresholds, side="left")
    return Det(thresholds, 1 - below_impostors / impostors.size, below_genuines / genuines.size)


def equal_error_rate(impostors: Scores, genuines: Scores) -> float:
    """Returns the rate at which FMR and FNMR are equal, on the line between the two neighbouring points of the DET.

    No threshold lies between two points; the line is what randomising between the two would reach. Ties make one
    point. Raises ValueError when either set is empty.

    Example:
        >>> equal_error_rate(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        0.25
    """
    curve = det(impostors, genuines)
    after = int(np.argmax(curve.fnmr >= curve.fmr))
    ahead = curve.fnmr[after] - curve.fmr[after]
    behind = curve.fmr[after - 1] - curve.fnmr[after - 1]
    share = behind / (behind + ahead)
    return float(curve.fmr[after - 1] + share * (curve.fmr[after] - curve.fmr[after - 1]))


def area_under_curve(impostors: Scores, genuines: Scores) -> float:
    """Returns the chance that a genuine score exceeds an impostor's, ties counting half (Mann and Whitney, 1947).

    Example:
        >>> area_under_curve(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        0.875
    """
    _both(impostors, genuines)
    ranks = rankdata(np.concatenate([impostors, genuines]).astype(np.float64))[impostors.size :]
    wins = ranks.sum() - genuines.size * (genuines.size + 1) / 2
    return float(wins / (impostors.size * genuines.size))


def area_interval(impostors: Scores, genuines: Scores) -> Rate:
    """Returns the area under the curve with its 95 % interval, which exists also where no score overlaps.

    Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2", method 5
    (Statistics in Medicine, 2006): the areas whose standard error, after Hanley and McNeil (1982), reaches the one
    found. `n` is the number of scores of both sets.

    Example:
        >>> found = area_interval(np.arange(10.0), np.arange(10.0) + 20)
        >>> found.value, round(found.low, 2), found.high
        (1.0, 0.8, 1.0)
    """
    found = area_under_curve(impostors, genuines)
    each = (impostors.size + genuines.size) / 2 - 1

    def beyond(area: float) -> float:
        spread = 1 + each * (1 - area) / (2 - area) + each * area / (1 + area)
        error = np.sqrt(max(0.0, area * (1 - area) * spread) / (impostors.size * genuines.size))
        return float(abs(area - found) - _DEVIATIONS * error)

    low = brentq(beyond, 0.0, found) if found > 0 and beyond(0.0) > 0 and beyond(found) < 0 else None
    high = brentq(beyond, found, 1.0) if found < 1 and beyond(1.0) > 0 and beyond(found) < 0 else None
    if found == 1:
        low = brentq(beyond, 0.0, 1 - _NEAR)
    if found == 0:
        high = brentq(beyond, _NEAR, 1.0)
    return Rate(
        found, 0.0 if low is None else float(low), 1.0 if high is None else float(high), impostors.size + genuines.size
    )


def d_prime(impostors: Scores, genuines: Scores) -> float:
    """Returns the distance of the two means in pooled standard deviations.

    Daugman, "Biometric decision landscapes" (2000). Infinite when neither set varies and their
    means differ; NaN when their means are equal too.

    Example:
        >>> d_prime(np.array([0.0, 2.0]), np.array([4.0, 6.0]))
        4.0
    """
    _both(impostors, genuines)
    apart = float(genuines.mean(dtype=np.float64) - impostors.mean(dtype=np.float64))
    spread = float(np.sqrt((genuines.var(dtype=np.float64) + impostors.var(dtype=np.float64)) / 2))
    if spread == 0:
        return float("nan") if apart == 0 else float(np.copysign(np.inf, apart))
    return apart / spread


def _both(impostors: Scores, genuines: Scores) -> None:
    if impostors.size == 0 or genuines.size == 0:
        raise ValueError("impostor and genuine scores are both needed")
    if not (np.isfinite(impostors).all() and np.isfinite(genuines).all()):
        raise ValueError("scores are finite numbers")
