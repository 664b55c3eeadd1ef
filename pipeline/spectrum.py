"""Measures isolated peaks of a spectrum: a regular grid leaves them, print and noise do not."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_NEIGHBOURHOOD = 9  # frequencies around a peak, its surroundings; chosen by hand on tuning data, no outside source
_MAD_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, of a normal distribution


@lru_cache(maxsize=4)
def _window(side: int) -> NDArray[np.float32]:
    return np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)


def mean_log_spectrum(tile: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute ln(1 + amplitude) of a windowed tile's spectrum, (n, n // 2 + 1): the other half mirrors it.

    Args:
        tile: (n, n, channels), n even; the channels' spectra are averaged.
    """
    planes = np.ascontiguousarray(np.moveaxis(tile, 2, 0)).astype(np.float32)
    planes -= planes.mean(axis=(1, 2), keepdims=True)
    amplitudes = np.sqrt(np.stack([_power(plane * _window(len(tile))) for plane in planes]))
    logarithms = cv2.log(1 + amplitudes.reshape(-1, amplitudes.shape[2])).reshape(amplitudes.shape)
    return np.asarray(logarithms.mean(axis=0), dtype=np.float32)


def _power(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares of a real plane's spectrum, (n, n // 2 + 1)."""
    spectrum = cv2.dft(plane, flags=cv2.DFT_COMPLEX_OUTPUT)[:, : len(plane) // 2 + 1]
    return np.asarray(spectrum[..., 0] ** 2 + spectrum[..., 1] ** 2, dtype=np.float32)


def whole(half: NDArray[np.float32]) -> NDArray[np.float32]:
    """Complete the spectrum of a real picture from its half: (n, n), frequency zero first."""
    n = half.shape[0]
    mirrored = np.roll(half[::-1], 1, axis=0)[:, n // 2 - 1 : 0 : -1]
    return np.concatenate([half, mirrored], axis=1)


def highest_peak(log_spectrum: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Measure the strongest peak over its surroundings, in robust standard deviations of all such heights.

    Args:
        log_spectrum: (n, n), logarithms of amplitudes.
        where: (n, n), the frequencies to search.
    """
    heights = (log_spectrum - cv2.blur(log_spectrum, (_NEIGHBOURHOOD, _NEIGHBOURHOOD)))[where]
    middle = np.median(heights)
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(heights - middle)))
    return float((heights.max() - middle) / max(spread, 1e-6))
