"""The detection error trade-off of a threshold, and single numbers derived from it.

Martin et al., "The DET curve in assessment of detection task performance" (1997); ISO/IEC 19795-1:2021.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from idproof.benchmarks.metrics.rates import Scores

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
