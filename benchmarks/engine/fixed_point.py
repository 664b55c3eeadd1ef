"""Templates rounded to whole numbers that are so small that single precision adds their products exactly.

A matrix product in floating point depends, in its last digits, on the order of its sums, hence on block sizes,
threads and processors. Sums of whole numbers below 2^24 do not, so every comparison score is the same everywhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics.rates import Scores

EXACT = 2**24
"""Whole numbers up to here are exact in single precision."""


@dataclass(frozen=True)
class FixedPoint:
    """Templates as whole numbers.

    Attributes:
        values: (n, dimensions) float32 that hold whole numbers.
        scale: what a coordinate was multiplied by; an inner product stands for itself / scale².
    """

    values: NDArray[np.float32]
    scale: int

    def cosine(self, score: float) -> float:
        """Returns the comparison score that a fixed-point score stands for."""
        return score / self.scale**2

    @property
    def largest_error(self) -> float:
        """Largest difference of a score from the inner product of the templates before rounding.

        It assumes half a unit per coordinate on both sides; about a fiftieth of it is typical.
        """
        half = 0.5 * np.sqrt(self.values.shape[1]) / self.scale
        return float(2 * half + half**2)


def fixed_point(templates: Scores) -> FixedPoint:
    """Rounds unit-length templates.

    Args:
        templates: (n, dimensions), each of length 1 within a thousandth.

    Raises:
        ValueError: not a list of unit-length templates, or of too many dimensions to stay exact.

    Example:
        >>> found = fixed_point(np.eye(2, dtype=np.float32))
        >>> (found.values @ found.values.T / found.scale**2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if templates.ndim != 2 or 0 in templates.shape:
        raise ValueError("templates are a table of one row each")
    lengths = np.linalg.norm(templates.astype(np.float64, copy=False), axis=1)
    if not np.allclose(lengths, 1.0, atol=1e-3):
        raise ValueError("templates have unit length")
    # No partial sum of products exceeds the product of two lengths (Cauchy and Schwarz), rounding included.
    scale = int(np.sqrt(EXACT) / 1.001 - 0.5 * np.sqrt(templates.shape[1]) - 1)
    if scale < 256:
        raise ValueError("templates of so many dimensions cannot be compared exactly")
    values = np.rint(np.multiply(templates, scale, dtype=np.float32))
    return FixedPoint(np.ascontiguousarray(values, dtype=np.float32), scale)
