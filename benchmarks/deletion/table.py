"""Searches a block of memory for many short byte strings at once.

A needle of 32 bytes that lies anywhere in a block contains a whole 8-byte word of the block's own grid, whatever its
alignment. The eight candidate words of each needle are therefore put into a table, and a block is read once, word by
word: a million needles cost little more than one.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEEDLE_BYTES = 32
WORD_BYTES = 8
_MIX = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: the golden ratio of 2**64 (Knuth, volume 3, 6.4)
_FILTER_BITS = 26  # of a table of 64 MiB, in which a million needles fill an eighth. Chosen by hand.
_SHIFT = np.uint64(64 - _FILTER_BITS)
_MIN_DISTINCT = 3  # different bytes per word: words with fewer are plain areas and occur everywhere. Chosen by hand.
_MIN_DISTINCT_BYTES, _MIN_DISTINCT_NUMBERS = 12, 6  # per needle, of 32 bytes and of 8 numbers. Chosen by hand.

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]


@dataclass
class Table:
    """Needles to search for.

    Args:
        needles: (n, 32) bytes; take only those that `searchable` accepts.
    """

    needles: Bytes
    _keys: Words = field(init=False)
    _order: NDArray[np.int64] = field(init=False)
    _filter: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        keys = words_of(self.needles).reshape(-1)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._filter[_hash(self._keys)] = True

    def __len__(self) -> int:
        return len(self.needles)

    def scan(self, block: Bytes) -> NDArray[np.int64]:
        """Returns the numbers of the needles that are in the block, each once.

        Example:
            >>> table = Table(np.arange(64, dtype=np.uint8).reshape(2, 32))
            >>> table.scan(np.frombuffer(b"x" * 13 + bytes(range(64)), dtype=np.uint8)).tolist()
            [0, 1]
        """
        count = len(block) // WORD_BYTES
        words = block[: count * WORD_BYTES].view(np.uint64)
        at = np.flatnonzero(self._filter[_hash(words)])
        at, entry = self._entries(words, at)
        needle, offset = np.divmod(self._order[entry], WORD_BYTES)
        start = at * WORD_BYTES - offset
        whole = (start >= 0) & (start + NEEDLE_BYTES <= len(block))
        start, needle = start[whole], needle[whole]
        return np.unique(needle[self._same(block, start, needle)])

    def _entries(self, words: Words, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns every pair of a place in the block and a table entry with the word of that place."""
        first = np.searchsorted(self._keys, words[at], side="left")
        last = np.searchsorted(self._keys, words[at], side="right")
        count = last - first
        places = np.repeat(at, count)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return places, np.repeat(first, count) + within

    def _same(self, block: Bytes, start: NDArray[np.int64], needle: NDArray[np.int64]) -> NDArray[np.bool_]:
        same = np.ones(len(start), dtype=np.bool_)
        for i in range(NEEDLE_BYTES):
            same &= block[start + i] == self.needles[needle, i]
        return same


def words_of(needles: Bytes) -> Words:
    """Returns the eight words of each needle that may lie on a block's grid, (n, 8)."""
    windows = np.lib.stride_tricks.sliding_window_view(needles, WORD_BYTES, axis=1)[:, :WORD_BYTES]
    return np.ascontiguousarray(windows).view(np.uint64)[..., 0]


def searchable(needles: Bytes, *, numbers: bool = False) -> NDArray[np.bool_]:
    """Returns, per needle, whether it is unusual enough: it varies in itself, and so does every word of it.

    Smooth areas of two pictures may be alike, and constants of libraries are repeated numbers such as 2/3, which is a
    pixel of 170 as well.

    Args:
        needles: (n, 32) bytes.
        numbers: they are of numbers of 4 bytes each.
    """
    windows = np.lib.stride_tricks.sliding_window_view(needles, WORD_BYTES, axis=1)[:, :WORD_BYTES]
    varied = (_count_distinct(windows) >= _MIN_DISTINCT).all(axis=1)
    if numbers:
        distinct, least = _count_distinct(np.ascontiguousarray(needles).view(np.uint32)), _MIN_DISTINCT_NUMBERS
    else:
        distinct, least = _count_distinct(needles), _MIN_DISTINCT_BYTES
    return np.asarray(varied & (distinct >= least))


def _count_distinct(values: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    ordered = np.sort(values, axis=-1).astype(np.int64)
    return np.asarray(1 + (np.diff(ordered, axis=-1) != 0).sum(axis=-1))


def _hash(words: Words) -> NDArray[np.int64]:
    return ((words * _MIX) >> _SHIFT).astype(np.int64)
