"""Limits and calibrated scores, by one rule, from the values that bona fide presentations measured.

No attack has a part in a limit, so the limits favour no attack that somebody thought of. Quantities of the card take
values and scores from here and are limited by `card.evidence.surprise`, where tuning attacks have a part. The values
come from `idproof bench calibrate card --sets TUNING --out FILE` and never from a keyboard; the file states their
source.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Self

from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.types import CheckResult, Outcome, Status

_SHIPPED = Path(__file__).with_name("calibration.json")
DECIMALS = 5
"""Decimals of the values in a verdict and in a calibration. Chosen by hand; no outside source."""
LEAST_VALUES = 20
"""Fewest bona fide cards with a usable range. Chosen by hand: the next card lies outside the range of 20 with a chance
of 2 in 21, by exchangeability."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Values of bona fide cards, and the limits and scores that follow from them.

    A limit lies beyond the furthest bona fide value. Its distance from that value is the share `margin` of the
    distance from the median to that value: of their difference, or of their quotient for quantities that are positive
    and have no upper end.

    A score is the share of bona fide cards that measure as far out or further, counting the one judged. For bona fide
    cards like these it is distributed evenly over 0..1 (a conformal p-value; Vovk, Gammerman and Shafer, "Algorithmic
    Learning in a Random World", 2005). A score of 0.01 is as rare as one bona fide card in a hundred.

    Attributes:
        values: sorted values of bona fide cards by the check's name.
        margin: share of the distance by which a limit lies beyond the furthest value. 0.5 is chosen by hand, with
            no outside source.
        quotients: checks whose quantity is positive and has no upper end.
        source: origin of the values.
    """

    values: Mapping[str, tuple[float, ...]]
    margin: float = 0.5
    quotients: frozenset[str] = frozenset()
    source: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isfinite(self.margin):
            raise CalibrationInvalid("The margin of a calibration is a finite number.")
        for name, measured in self.values.items():
            if not all(map(isfinite, measured)):  # NaN has no order, and an infinite value makes a limit of none
                raise CalibrationInvalid(f"The calibration of {name} needs finite values.")
            if len(measured) < LEAST_VALUES or list(measured) != sorted(measured):
                raise CalibrationInvalid(f"The calibration of {name} needs {LEAST_VALUES} or more sorted values.")
            if name in self.quotients and measured[0] <= 0:
                raise CalibrationInvalid(f"The calibration of {name} needs positive values.")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file that the benchmark wrote; raises `CalibrationInvalid`."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            values = {name: tuple(map(float, measured)) for name, measured in table["values"].items()}
            return cls(values, float(table["margin"]), frozenset(table["quotients"]), table["source"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationInvalid(f"The calibration {path.name} cannot be used.") from error

    def at_least(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Judges a quantity that fails below the values of bona fide cards."""
        score = (1 + bisect_right(self.values_of(name), value)) / (1 + len(self.values_of(name)))
        return _result(name, value, self.low(name), unit, reason, score, passed=value >= self.low(name))

    def at_most(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Judges a quantity that fails above the values of bona fide cards."""
        measured = self.values_of(name)
        score = (1 + len(measured) - bisect_left(measured, value)) / (1 + len(measured))
        return _result(name, value, self.high(name), unit, reason, score, passed=value <= self.high(name))

    def within(self, name: str, value: float, *, unit: str, reason: str, tolerance: float = 0.0) -> CheckResult:
        """Judges a quantity that fails on either side; the result gives the nearer limit.

        Args:
            name: the check.
            value: as measured.
            unit: of the value.
            reason: code when the value is beyond a limit.
            tolerance: by which each limit lies further out, since the standard lets cards differ by it and the
                calibrated cards do not.
        """
        below = (1 + bisect_right(self.values_of(name), value)) / (1 + len(self.values_of(name)))
        low, high = self.low(name) - tolerance, self.high(name) + tolerance
        limit = low if abs(value - low) < abs(value - high) else high
        score = 2 * min(below, 1 - below + 1 / (1 + len(self.values_of(name))))
        return _result(name, value, limit, unit, reason, score, passed=low <= value <= high)

    def low(self, name: str) -> float:
        """Lowest value that passes."""
        return self._extrapolate(name, self.values_of(name)[0])

    def high(self, name: str) -> float:
        """Highest value that passes."""
        return self._extrapolate(name, self.values_of(name)[-1])

    def _extrapolate(self, name: str, furthest: float) -> float:
        middle = median(self.values_of(name))
        if name in self.quotients:
            return furthest * float((furthest / middle) ** self.margin)
        return furthest + self.margin * (furthest - middle)

    def values_of(self, name: str) -> tuple[float, ...]:
        """The sorted values of a check; raises `CalibrationInvalid` when there are none."""
        if name not in self.values:
            raise CalibrationInvalid(f"There is no calibration of {name}.")
        return self.values[name]


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Reads the calibration that comes with the project, from rendered bona fide cards; raises `CalibrationInvalid`."""
    return Calibration.load(_SHIPPED)


def _result(
    name: str, value: float, limit: float, unit: str, reason: str, score: float, *, passed: bool
) -> CheckResult:
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        value=round(value, DECIMALS),
        unit=unit,
        score=round(min(1.0, score), DECIMALS),
        reason=None if passed else reason,
        limit=round(limit, DECIMALS),
    )
