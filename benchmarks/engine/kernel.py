"""One pass over a block of scores: how many fell in each bin, and which ones are high.

With numba (extra `bench`) the pass is compiled and several times faster; without it OpenCV and numpy do the same in
several passes. Both round to the nearest bin, ties to the even one, and so count alike to the last score.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

BINS = 256
BIN = 2**16
"""Width of a bin: a power of two, so that dividing by it is exact."""
ZERO = 128
"""The bin of scores about 0."""

_CHUNK = 512  # scores that stay in the first cache between being rounded, counted and looked through
_TILE = 256  # columns of products that are counted before the next are computed
_TOGETHER = 2  # scores that are counted by one addition
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


def count_products(one: NDArray[np.float32], other: NDArray[np.float32], exact_from: int) -> Counted:
    """The same of all products of rows of `one`, (n, dimensions), with rows of `other`, (m, dimensions).

    A tile of products is counted while it is in the processor's second cache: from memory, where a whole block lies,
    it comes so slowly that counting takes twice the time.
    """
    compiled = _compiled()
    if compiled is None or len(one) % _TOGETHER:
        return count(np.matmul(one, other.T), exact_from)
    buffers = _buffers(one.shape[0] * other.shape[0], one.shape[0] * _TILE)
    found = 0
    for start in range(0, len(other), _TILE):
        part = other[start : start + _TILE]
        tile = buffers.tile[: len(one) * len(part)]
        np.matmul(one, part.T, out=tile.reshape(len(one), len(part)))
        found += buffers.count(compiled, tile, exact_from, found)
    return buffers.counted(found)


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
    table = np.require(scores.ravel(), requirements="W")  # what may only be read has another type
    whole = table.size - table.size % _TOGETHER
    buffers = _buffers(table.size, 0)
    bins, highest = buffers.counted(buffers.count(compiled, table[:whole], exact_from, 0))
    rest, rest_highest = _in_passes(table[None, whole:], exact_from)
    return bins + rest, np.concatenate([highest, rest_highest])


@dataclass(frozen=True, eq=False)
class _Buffers:
    """Memory of one thread: memory that is new for every block costs as much as counting it.

    Attributes:
        rounded, places: see `_pass`.
        pairs: see `_pass`; zeros between two blocks.
        highest: of one block.
        tile: products that are not counted yet.
    """

    rounded: NDArray[np.float32]
    places: NDArray[np.uint8]
    pairs: NDArray[np.uint32]
    highest: NDArray[np.int32]
    tile: NDArray[np.float32]

    @classmethod
    def of(cls, highest: int, tile: int) -> Self:
        chunk = np.empty(_CHUNK, dtype=np.float32), np.empty(_CHUNK, dtype=np.uint8)
        large = np.empty(highest, dtype=np.int32), np.empty(tile, dtype=np.float32)
        return cls(*chunk, np.zeros(BINS**2, dtype=np.uint32), *large)

    def count(self, compiled: Callable[..., int], scores: NDArray[np.float32], exact_from: int, found: int) -> int:
        """Count a flat table, after so many high scores of the block; returns the number of its own."""
        parts = self.rounded, self.rounded.view(np.uint32), self.places, self.places.view(np.uint16)
        return compiled(scores, np.uint8(exact_from), *parts, self.pairs, self.highest[found:])

    def counted(self, found: int) -> Counted:
        """Return the counts of the block, and begin the next."""
        table = self.pairs.reshape(BINS, BINS)
        bins = table.sum(axis=0, dtype=np.int64) + table.sum(axis=1, dtype=np.int64)
        self.pairs.fill(0)
        return bins, self.highest[:found].copy()


def _buffers(highest: int, tile: int) -> _Buffers:
    held: _Buffers | None = getattr(_own, "buffers", None)
    if held is None or held.highest.size < highest or held.tile.size < tile:
        held = _own.buffers = _Buffers.of(highest, tile)
    return held


_own = threading.local()


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., int] | None:
    try:
        import numba
    except ImportError:
        return None
    wrap: Callable[[Any], Callable[..., int]] = numba.njit(
        "int64(float32[::1], uint8, float32[::1], uint32[::1], uint8[::1], uint16[::1], uint32[::1], int32[::1])",
        nogil=True,
    )
    return wrap(_pass)


def _pass(
    scores: NDArray[np.float32],
    exact_from: np.uint8,
    rounded: NDArray[np.float32],
    bits: NDArray[np.uint32],
    places: NDArray[np.uint8],
    couples: NDArray[np.uint16],
    pairs: NDArray[np.uint32],
    highest: NDArray[np.int32],
) -> int:
    """The function that numba compiles, for an even number of scores.

    `bits` are those of `rounded`, whose last eight are the bin, which `places` holds; `couples` are two bins at once.
    `pairs` counts couples, (65,536,), so that one addition counts two scores, and equal neighbours seldom wait for each
    other; its sums over the one and the other bin are the counts. The loops are apart, over one piece of `scores`, for
    only so do they become vector instructions.
    """
    low, high = np.float32(-ZERO * BIN), np.float32((BINS - 1 - ZERO) * BIN)
    scale, shift = np.float32(1 / BIN), np.float32(_ROUNDING + ZERO)
    found = 0
    for start in range(0, scores.size, _CHUNK):
        part = scores[start : start + _CHUNK]
        size = part.size
        for i in range(size):
            rounded[i] = min(max(part[i], low), high) * scale + shift
        for i in range(size):
            places[i] = np.uint8(bits[i])
        top = np.uint8(0)
        for i in range(size):
            top = max(top, places[i])
        for i in range(size // 2):
            pairs[couples[i]] += np.uint32(1)
        for i in range(size if top >= exact_from else 0):
            if places[i] >= exact_from:
                highest[found] = np.int32(part[i])
                found += 1
    return found
