"""Random parameters that differ between tuning and test.

Every range is cut into cells, and a split takes every other cell: tuning never sees a camera, a lamp or a printer of
the test. Without a split the whole range is used.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

_CELLS = 8  # per range, half for each split. Chosen by hand.


class Split(StrEnum):
    """Purpose of a registration; `any` draws from everything."""

    ANY = "any"
    TUNING = "tuning"
    TEST = "test"

    def holds(self, label: str) -> bool:
        """Returns whether the person or thing with this label belongs to the split."""
        if self is Split.ANY:
            return True
        odd = bool(hashlib.sha256(label.encode()).digest()[0] & 1)
        return odd is (self is Split.TEST)

    def seeds(self, count: int) -> list[int]:
        """Returns the split's half of 2 × `count` numbered artworks; all of them without a split."""
        first, step = {Split.ANY: (0, 1), Split.TUNING: (0, 2), Split.TEST: (1, 2)}[self]
        return list(range(first, 2 * count, step))


@dataclass(frozen=True)
class Draws:
    """A random generator, and the split that it draws for."""

    rng: np.random.Generator
    split: Split = Split.ANY

    def uniform(self, low: float, high: float) -> float:
        """Draws one value of the split's cells in [low, high)."""
        if self.split is Split.ANY:
            return float(self.rng.uniform(low, high))
        cell = 2 * int(self.rng.integers(_CELLS // 2)) + (self.split is Split.TEST)
        width = (high - low) / _CELLS
        return float(low + width * (cell + self.rng.uniform()))

    def spawn(self) -> "Draws":
        """Returns an independent generator for the same split; its draws do not shift later ones."""
        return Draws(self.rng.spawn(1)[0], self.split)
