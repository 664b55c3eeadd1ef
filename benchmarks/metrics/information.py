"""The value of a score as evidence: the cost of log-likelihood ratios.

Brümmer and du Preez, "Application-independent evaluation of speaker detection" (2006); ISO/IEC 19795-1:2021 leaves
calibration to the application. All ratios are natural logarithms, for the same person over another person. The
cost is in bits: 0 for perfect evidence, 1 for none.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from idproof.benchmarks.metrics.rates import Scores


def cllr(impostor_llrs: Scores, genuine_llrs: Scores) -> float:
    """Returns the cost of log-likelihood ratios as they are, calibration and discrimination together.

    Example:
        >>> cllr(np.zeros(3), np.zeros(5))
        1.0
    """
    _both(impostor_llrs, genuine_llrs)
    genuine = np.logaddexp(0.0, -genuine_llrs.astype(np.float64)).mean()
    impostor = np.logaddexp(0.0, impostor_llrs.astype(np.float64)).mean()
    return float((genuine + impostor) / (2 * np.log(2)))


def min_cllr(impostors: Scores, genuines: Scores) -> float:
    """Returns the least cost that any rising calibration of these scores reaches: what discrimination alone costs.

    The pool-adjacent-violators solution; equal scores stay together. `cllr - min_cllr` is the loss by calibration.

    Example:
        >>> min_cllr(np.array([0.1, 0.2]), np.array([0.3, 0.4]))
        0.0
    """
    _both(impostors, genuines)
    llr = calibrated(np.concatenate([impostors, genuines]), impostors.size)
    return cllr(llr[: impostors.size], llr[impostors.size :])


def calibrated(scores: Scores, impostors: int) -> NDArray[np.float64]:
    """Returns log-likelihood ratios of scores, the first `impostors` of them impostors', by pool-adjacent-violators.

    Infinite where only one class has such scores. It is fitted on the scores that it is applied to: for analysis only.
    """
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    genuine = np.bincount(place[impostors:], minlength=values.size)
    share = isotonic_regression(genuine / counts, weights=counts).x
    with np.errstate(divide="ignore"):
        odds = np.log(share) - np.log1p(-share)
        prior = np.log(scores.size - impostors) - np.log(impostors)
    return np.asarray((odds - prior)[place], dtype=np.float64)


def _both(impostors: Scores, genuines: Scores) -> None:
    if impostors.size == 0 or genuines.size == 0:
        raise ValueError("impostor and genuine scores are both needed")
