"""Counts of scores: 256 coarse bins, and every distinct value from a certain bin on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.engine.kernel import BIN, BINS, ZERO, binned, count, count_products

_BUFFERED = 1 << 24
"""Values that wait to be sorted: sorting many together costs least. Chosen by hand; they take 64 MiB."""

Counts = NDArray[np.int64]


class TailTooShort(ValueError):
    """The threshold lies below the scores that are counted one by one."""


@dataclass
class Tally:
    """Counts of fixed-point scores. Adding is exact and in any order.

    Attributes:
        exact_from: bin from which on every value is counted by itself; 0 for all values.
        bins: (256,) how many scores fell in each bin of 2^16; the first and the last are open.
    """

    exact_from: int
    bins: Counts = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))
    _values: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    _counts: Counts = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _seen: list[NDArray[np.int32]] = field(default_factory=list)
    _buffer: list[tuple[NDArray[np.int32], Counts]] = field(default_factory=list)
    _buffered: int = 0

    def add(self, scores: NDArray[np.float32], times: int = 1) -> None:
        """Count every score of a block, `times` each (-1 takes them out again).

        Args:
            scores: a table of whole numbers, in one piece of memory.
            times: how often each counts.
        """
        if scores.size == 0:
            return
        self._count(*count(scores, self.exact_from), times)

    def add_products(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
        """Count the scores of all rows of `one` with all rows of `other`; both hold whole numbers."""
        if one.size and other.size:
            self._count(*count_products(one, other, self.exact_from), 1)

    def _count(self, bins: Counts, highest: NDArray[np.int32], times: int) -> None:
        self.bins += times * bins
        if times == 1:
            self._see(highest)
        else:
            self._put(highest, np.full(highest.size, times, dtype=np.int64))

    def merge(self, other: "Tally", times: int = 1) -> None:
        """Add what another tally counted, which counted no fewer values by themselves."""
        if other.exact_from > self.exact_from:
            raise ValueError("the other tally counted fewer values one by one")
        self.bins += times * other.bins
        if times == 1 and other.exact_from == self.exact_from:  # what waits to be sorted goes on waiting here
            for seen in other._seen:
                self._see(seen)
            self._put(other._values, other._counts)
            for values, counts in other._buffer:
                self._put(values, counts)
            return
        values, counts = other.highest()
        wanted = binned(values.astype(np.float32)[None]).ravel() >= self.exact_from
        self._put(values[wanted], times * counts[wanted])

    def halved(self) -> Self:
        """Half of all counts: of a symmetric table, each pair once."""
        values, counts = self.highest()
        return type(self)(self.exact_from, self.bins // 2, values, counts // 2)

    def highest(self) -> tuple[NDArray[np.int32], Counts]:
        """Returns the values that are counted one by one, rising, and the count of each."""
        if self._seen or self._buffer:
            if self._seen:
                self._buffer.append(_counted(np.concatenate(self._seen)))
            self._values, self._counts = _joined([(self._values, self._counts), *self._buffer])
            self._seen.clear()
            self._buffer.clear()
            self._buffered = 0
        return self._values, self._counts

    @property
    def total(self) -> int:
        """All scores."""
        return int(self.bins.sum())

    def at_least(self, threshold: float) -> int:
        """Returns the number of scores that reach a threshold; raises `TailTooShort` below the exact values."""
        values, counts = self.highest()
        if self.exact_from > 0 and binned(np.array([[threshold]], dtype=np.float32))[0, 0] < self.exact_from:
            raise TailTooShort("The threshold lies below the scores that are counted one by one.")
        return int(counts[np.searchsorted(values, threshold) :].sum())

    def threshold(self, share: float) -> int:
        """The lowest threshold that at most this share of all scores reaches.

        Raises:
            TailTooShort: it lies below what is known exactly.
            ValueError: no scores, or no share.
        """
        if self.total == 0 or not 0 <= share <= 1:
            raise ValueError("a threshold needs scores and a share in 0..1")
        allowed = int(np.floor(share * self.total * (1 + 1e-12)))
        values, counts = self.highest()
        reaching = np.cumsum(counts[::-1])[::-1]
        refused = np.flatnonzero(reaching > allowed)
        if refused.size:
            return int(values[refused[-1]]) + 1
        if reaching.size and int(reaching[0]) == self.total:
            return int(values[0])
        raise TailTooShort("The threshold lies below the scores that are counted one by one.")

    def _see(self, values: NDArray[np.int32]) -> None:
        """Each once, in any order: counting many together costs least."""
        if values.size:
            self._seen.append(values)
            self._fill(values.size)

    def _put(self, values: NDArray[np.int32], counts: Counts) -> None:
        if values.size:
            self._buffer.append((values, counts.astype(np.int64)))
            self._fill(values.size)

    def _fill(self, size: int) -> None:
        self._buffered += size
        if self._buffered > _BUFFERED:
            self.highest()


def _counted(values: NDArray[np.int32]) -> tuple[NDArray[np.int32], Counts]:
    """Distinct values, rising, and how often each comes."""
    values = np.sort(values)
    first = _first_of_equal(values)
    return values[first], np.diff(np.append(first, values.size))


def _joined(parts: Sequence[tuple[NDArray[np.int32], Counts]]) -> tuple[NDArray[np.int32], Counts]:
    """Values with their counts, of equal values the sum; without those that add up to nothing."""
    values = np.concatenate([values for values, _ in parts])
    order = np.argsort(values, kind="stable")  # of rising runs this is merging
    values, counts = values[order], np.concatenate([counts for _, counts in parts])[order]
    first = _first_of_equal(values)
    sums = np.add.reduceat(counts, first) if first.size else counts
    return values[first][sums != 0], sums[sums != 0]


def _first_of_equal(rising: NDArray[np.int32]) -> NDArray[np.intp]:
    return np.flatnonzero(np.append(True, rising[1:] != rising[:-1])) if rising.size else np.empty(0, dtype=np.intp)


def bin_edges(scale: int) -> NDArray[np.float64]:
    """(257,): the comparison scores between which each bin lies; the outermost are -1 and 1."""
    edges = (np.arange(BINS + 1) - ZERO - 0.5) * BIN / scale**2
    return np.clip(edges, -1.0, 1.0)
