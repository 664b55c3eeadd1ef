"""Random parameters of which tuning and test see different values.

Every range is cut into cells, and a split takes every other one: tuning never sees a camera, a lamp or a printer that
the test has. Without a split the whole range is drawn from.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

_CELLS = 8


class Split(StrEnum):
    """What a registration is rendered for; `any` draws from everything."""

    ANY = "any"
    TUNING = "tuning"
    TEST = "test"

    def holds(self, label: str) -> bool:
        """Whether this split has the person (or thing) of this label."""
        if self is Split.ANY:
            return True
        odd = bool(hashlib.sha256(label.encode()).digest()[0] & 1)
        return odd is (self is Split.TEST)

    def seeds(self, count: int) -> list[int]:
        """This split's share of 2 × `count` numbered artworks; all of them without a split."""
        first, step = {Split.ANY: (0, 1), Split.TUNING: (0, 2), Split.TEST: (1, 2)}[self]
        return list(range(first, 2 * count, step))


@dataclass(frozen=True)
class Draws:
    """A generator, and the split it draws for."""

    rng: np.random.Generator
    split: Split = Split.ANY

    def uniform(self, low: float, high: float) -> float:
        """One value of the split's cells in [low, high)."""
        if self.split is Split.ANY:
            return float(self.rng.uniform(low, high))
        cell = 2 * int(self.rng.integers(_CELLS // 2)) + (self.split is Split.TEST)
        width = (high - low) / _CELLS
        return float(low + width * (cell + self.rng.uniform()))

    def spawn(self) -> "Draws":
        """An independent generator for the same split: what it draws does not shift what comes after."""
        return Draws(self.rng.spawn(1)[0], self.split)
