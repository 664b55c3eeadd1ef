"""Tells how far a measured value lies beyond those of genuine cards, on the side of fraud.

Where a plain forgery shows a known value, the unit is a share of the distance from the median of genuine cards to it:
how alike the genuine cards at hand are must not decide how far from a forgery a card has to be. For other quantities it
is the distance from the median to the value that one in twenty genuine cards exceeds, and at least the tolerance of a
standard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np

MOST = 6.0
"""Units beyond which a value counts no more: one broken measurement must not stand for more than a decisive sign.
Chosen by hand; no outside source."""
FORGED = 0.3
"""The unit as a share of the distance from genuine cards to a forgery, which so lies 1 / 0.3 units away. Chosen by hand
on tuning cards, of which the genuine ones lie up to about two and a half units away; no outside source."""
ALONE = 10.0
"""Surprise of one quantity that rejects: nine tenths of what a plain forgery gives, 1 / 0.3²."""
TOGETHER = 2 * ALONE
"""Surprise of a hypothesis that rejects when no quantity does alone. Chosen by hand, after a review counted genuine
rendered cards of a formation left out between 1 and 1.5 times `ALONE`; no outside source."""
_USUAL = 0.05  # share of genuine cards beyond the unit. Chosen by hand; no outside source
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of one quantity, from the values of genuine cards.

    Attributes:
        middle: their median, a logarithm for a ratio.
        below, above: unit on the side of fraud; infinite on a side that no fraud is on.
        ratio: whether values are compared by their logarithms.
    """

    middle: float
    below: float
    above: float
    ratio: bool

    @classmethod
    def of(
        cls, values: Sequence[float], *, below: bool, above: bool, ratio: bool, tolerance: float, forged: float | None
    ) -> Self:
        """Makes the scale of a quantity whose fraud lies below genuine values, above them, or on either side."""
        if ratio:
            values = [float(np.log(max(value, _LEAST))) for value in values]
            forged = None if forged is None else float(np.log(forged))
        middle = median(values)
        known = None if forged is None else FORGED * abs(forged - middle)
        low, high = (
            max(known or abs(float(np.quantile(values, share)) - middle), tolerance, _LEAST)
            for share in (_USUAL, 1 - _USUAL)
        )
        return cls(middle, low if below else np.inf, high if above else np.inf, ratio)

    def surprise(self, value: float) -> float:
        """Square of the units that a value lies beyond the median; 0 on the side of no fraud, at most `MOST` ².

        A value that is no finite number is no measurement, and surprises most on either side.
        """
        if not np.isfinite(value):
            return MOST**2
        away = (float(np.log(max(value, _LEAST))) if self.ratio else value) - self.middle
        return min(max(-away / self.below, away / self.above, 0.0), MOST) ** 2

    def limit(self, value: float) -> float:
        """The value, on this one's side of the median, whose surprise is `ALONE`."""
        place = np.log(max(value, _LEAST)) if self.ratio else value
        low, high = self.middle - np.sqrt(ALONE) * self.below, self.middle + np.sqrt(ALONE) * self.above
        limit = low if np.isinf(high) or (np.isfinite(low) and place < self.middle) else high
        return float(np.exp(limit)) if self.ratio else float(limit)
