"""Linkage scores: what an attacker who has two stored forms, and no key, can compute of them.

Each takes two stacks of stored forms, row by row, and returns one score for each pair of rows. A greater score speaks
for one person. No score needs to know which bytes are ciphertext.
"""

import zlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.template.protection import Stored

Scores = NDArray[np.float64]
_RIDGE = 1e2
"""Of the learned score: keeps weights small where there are more bits than pairs. Chosen by hand; no outside source."""


def equal_bits(one: Stored, other: Stored) -> Scores:
    """Returns the share of bits that are equal: one less the Hamming distance."""
    return np.asarray(1.0 - np.unpackbits(one ^ other, axis=1).mean(axis=1), dtype=np.float64)


def equal_bytes(one: Stored, other: Stored) -> Scores:
    """Returns the share of bytes that are equal."""
    return np.asarray((one == other).mean(axis=1), dtype=np.float64)


def correlation(one: Stored, other: Stored) -> Scores:
    """Returns Pearson's correlation of the bytes as numbers."""
    first, second = (rows - rows.mean(axis=1, keepdims=True) for rows in (one.astype(float), other.astype(float)))
    length = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(axis=1) / np.maximum(length, 1e-12), dtype=np.float64)


def histograms(one: Stored, other: Stored) -> Scores:
    """Returns the likeness of the counts of byte values, wherever they stand."""
    counts = [np.stack([np.bincount(row, minlength=256) for row in rows]) for rows in (one, other)]
    return np.asarray(-np.abs(counts[0] - counts[1]).sum(axis=1), dtype=np.float64)


def compression(one: Stored, other: Stored) -> Scores:
    """Returns the bytes that compressing both together saves: any piece that occurs in both."""

    def size(data: bytes) -> int:
        return len(zlib.compress(data, 9))

    pairs = zip(one, other, strict=True)
    return np.array([size(a.tobytes()) + size(b.tobytes()) - size(a.tobytes() + b.tobytes()) for a, b in pairs], float)


SCORES: Mapping[str, Callable[[Stored, Stored], Scores]] = {
    "equal_bits": equal_bits,
    "equal_bytes": equal_bytes,
    "correlation": correlation,
    "histograms": histograms,
    "compression": compression,
}
"""Scores that need no training."""


def learned(
    one: Stored, other: Stored, mated: NDArray[np.bool_], training: NDArray[np.bool_]
) -> Callable[[Stored, Stored], Scores]:
    """Returns a linear score of which bits differ, trained by least squares on pairs whose answer is known.

    Args:
        one: (n, bytes), one side of pairs of stored forms.
        other: (n, bytes), the other side.
        mated: which of them are of one person.
        training: which of them may be learned from.
    """
    seen, answers = _differing(one[training], other[training]), np.where(mated[training], 1.0, -1.0)
    mean = seen.mean(axis=0)
    centred = seen - mean
    inner = centred @ centred.T + _RIDGE * np.eye(len(centred))  # as many unknowns as pairs, not as bits
    weights = centred.T @ np.linalg.solve(inner, answers - answers.mean())

    def score(first: Stored, second: Stored) -> Scores:
        return np.asarray((_differing(first, second) - mean) @ weights, dtype=np.float64)

    return score


def _differing(one: Stored, other: Stored) -> NDArray[np.float64]:
    return np.unpackbits(one ^ other, axis=1).astype(np.float64)
