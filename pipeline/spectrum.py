"""Isolated peaks of a spectrum: what a regular grid leaves there, and neither print nor noise does."""

import cv2
import numpy as np
from numpy.typing import NDArray

_NEIGHBOURHOOD = 9


def highest_peak(log_spectrum: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Height of the strongest peak over its surroundings, in robust standard deviations of all such heights.

    Args:
        log_spectrum: (n, n), logarithms of amplitudes.
        where: (n, n), the frequencies to look at.
    """
    heights = (log_spectrum - cv2.blur(log_spectrum, (_NEIGHBOURHOOD, _NEIGHBOURHOOD)))[where]
    spread = 1.4826 * float(np.median(np.abs(heights - np.median(heights))))
    return float((heights.max() - np.median(heights)) / max(spread, 1e-6))
