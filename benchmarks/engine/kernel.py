"""One pass over a block of scores: how many fell in each bin, and which ones are high.

With numba (extra `bench`) the pass is compiled and several times faster; without it OpenCV and numpy do the same in
several passes. Both round to the nearest bin, ties to the even one, and so count alike to the last score.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BINS = 256
BIN = 2**16
"""Width of a bin: a power of two, so that dividing by it is exact."""
ZERO = 128
"""The bin of scores about 0."""

_CHUNK = 128  # scores that stay in the first cache between being rounded, counted and looked through
_TOGETHER = 4  # scores that are counted side by side
_ROUNDING = 3 << 22  # single-precision numbers this large have no places after the point: adding rounds, ties to even

Counted = tuple[NDArray[np.int64], NDArray[np.int32]]


def count(scores: NDArray[np.float32], exact_from: int) -> Counted:
    """Scores a bin, (256,), and every score in bin `exact_from` or above, in any order.

    Args:
        scores: a table of whole numbers, in one piece of memory.
        exact_from: 0 for every score.
    """
    compiled = _compiled()
    return _in_passes(scores, exact_from) if compiled is None else _in_one(compiled, scores, exact_from)


def binned(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The bin of each score of a table: the nearest multiple of 2^16, cut to 256 bins about 0."""
    if scores.size == 0:
        return np.empty(scores.shape, dtype=np.uint8)
    return np.asarray(cv2.addWeighted(scores, 1 / BIN, scores, 0.0, float(ZERO), None, cv2.CV_8U), dtype=np.uint8)


def is_compiled() -> bool:
    """Returns whether numba is installed. The first call compiles, which takes a second."""
    return _compiled() is not None


def _in_passes(scores: NDArray[np.float32], exact_from: int) -> Counted:
    places = binned(scores)
    bins = cv2.calcHist([places], [0], None, [BINS], [0, BINS]).ravel().astype(np.int64)
    return bins, scores.ravel()[np.flatnonzero(places.ravel() >= exact_from)].astype(np.int32)


def _in_one(compiled: Callable[..., int], scores: NDArray[np.float32], exact_from: int) -> Counted:
    rounded = np.empty(_CHUNK, dtype=np.float32)
    bins = np.zeros((4, BINS), dtype=np.int32)
    highest = np.empty(scores.size, dtype=np.int32)  # the system gives only the pages that are written
    table = np.require(scores.ravel(), requirements="W")  # what may only be read has another type
    least = np.uint32(exact_from)
    whole = table.size - table.size % _TOGETHER
    found = compiled(table[:whole], least, rounded, rounded.view(np.uint32), rounded.view(np.uint64), bins, highest)
    rest, rest_highest = _in_passes(table[None, whole:], exact_from)
    return bins.sum(axis=0, dtype=np.int64) + rest, np.concatenate([highest[:found], rest_highest])


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., int] | None:
    try:
        import numba
    except ImportError:
        return None
    wrap: Callable[[Any], Callable[..., int]] = numba.njit(
        "int64(float32[::1], uint32, float32[::1], uint32[::1], uint64[::1], int32[:, ::1], int32[::1])", nogil=True
    )
    return wrap(_pass)


def _pass(
    scores: NDArray[np.float32],
    exact_from: np.uint32,
    rounded: NDArray[np.float32],
    bits: NDArray[np.uint32],
    couples: NDArray[np.uint64],
    bins: NDArray[np.int32],
    highest: NDArray[np.int32],
) -> int:
    """The function that numba compiles, for a number of scores divisible by four.

    `bits` are those of `rounded`, whose last eight are the bin; `couples` are two of them at once. There are four rows
    of counts, so that equal neighbours do not wait for each other. The loops are apart, over one piece of `scores`,
    and the highest is sought among whole numbers, for only so do they become vector instructions.
    """
    low, high = np.float32(-ZERO * BIN), np.float32((BINS - 1 - ZERO) * BIN)
    scale, shift = np.float32(1 / BIN), np.float32(_ROUNDING + ZERO)
    last, narrow, half = np.uint32(BINS - 1), np.uint64(BINS - 1), np.uint64(32)
    found = 0
    for start in range(0, scores.size, _CHUNK):
        part = scores[start : start + _CHUNK]
        size = part.size
        for i in range(size):
            rounded[i] = min(max(part[i], low), high) * scale + shift
        for i in range(0, size // 2, 2):
            one, other = couples[i], couples[i + 1]
            bins[0, one & narrow] += 1
            bins[1, (one >> half) & narrow] += 1
            bins[2, other & narrow] += 1
            bins[3, (other >> half) & narrow] += 1
        top = np.uint32(0)
        for i in range(size):
            top = max(top, bits[i])
        if top & last >= exact_from:
            for i in range(size):
                if bits[i] & last >= exact_from:
                    highest[found] = np.int32(part[i])
                    found += 1
    return found
