"""What bona fide cards measured in the card's checks, and what follows from it: limits by one rule, calibrated scores.

No attack has any part in a limit, so that none is favoured for having been thought of. The numbers come from
`idproof bench card --sets TUNING --calibrate FILE`, never from a keyboard; where they come from is in the file.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Self

from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.types import CheckResult, Outcome, Status

_SHIPPED = Path(__file__).with_name("calibration.json")
DIGITS = 5
"""Decimals of what a verdict tells, and of what a calibration holds."""
_LEAST = 20  # bona fide cards, below which their range says nothing


@dataclass(frozen=True, slots=True)
class Calibration:
    """Values of bona fide cards, and judgement by them.

    A limit lies beyond the furthest bona fide value, by `margin` of the way from the median to it: of their difference,
    or for quantities that are positive and have no upper end of their quotient.

    A score is the share of bona fide cards that measure as far out or further, counting the one judged: under bona
    fide cards like these it is spread evenly over 0..1 (a conformal p-value, Vovk, Gammerman and Shafer, "Algorithmic
    Learning in a Random World", 2005). A score of 0.01 is as rare as one bona fide card in a hundred.

    Attributes:
        values: check to what bona fide cards measured, sorted.
        margin: see above.
        quotients: checks whose quantity is positive and has no upper end.
        source: where the values come from.
    """

    values: Mapping[str, tuple[float, ...]]
    margin: float = 0.5
    quotients: frozenset[str] = frozenset()
    source: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, measured in self.values.items():
            if len(measured) < _LEAST or list(measured) != sorted(measured):
                raise CalibrationInvalid(f"The calibration of {name} needs {_LEAST} or more sorted values.")
            if name in self.quotients and measured[0] <= 0:
                raise CalibrationInvalid(f"The calibration of {name} needs positive values.")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that the benchmark wrote; raises `CalibrationInvalid`."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            values = {name: tuple(map(float, measured)) for name, measured in table["values"].items()}
            return cls(values, float(table["margin"]), frozenset(table["quotients"]), table["source"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationInvalid(f"The calibration {path.name} cannot be used.") from error

    def at_least(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Fails below what bona fide cards measure."""
        score = (1 + bisect_right(self._of(name), value)) / (1 + len(self._of(name)))
        return _judged(name, value, self.low(name), unit, reason, score, passed=value >= self.low(name))

    def at_most(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Fails above what bona fide cards measure."""
        measured = self._of(name)
        score = (1 + len(measured) - bisect_left(measured, value)) / (1 + len(measured))
        return _judged(name, value, self.high(name), unit, reason, score, passed=value <= self.high(name))

    def within(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Fails on either side; the limit told is the nearer one."""
        below = (1 + bisect_right(self._of(name), value)) / (1 + len(self._of(name)))
        low, high = self.low(name), self.high(name)
        limit = low if abs(value - low) < abs(value - high) else high
        score = 2 * min(below, 1 - below + 1 / (1 + len(self._of(name))))
        return _judged(name, value, limit, unit, reason, score, passed=low <= value <= high)

    def low(self, name: str) -> float:
        """The least value that passes."""
        return self._beyond(name, self._of(name)[0])

    def high(self, name: str) -> float:
        """The greatest value that passes."""
        return self._beyond(name, self._of(name)[-1])

    def _beyond(self, name: str, furthest: float) -> float:
        middle = median(self._of(name))
        if name in self.quotients:
            return furthest * float((furthest / middle) ** self.margin)
        return furthest + self.margin * (furthest - middle)

    def _of(self, name: str) -> tuple[float, ...]:
        if name not in self.values:
            raise CalibrationInvalid(f"There is no calibration of {name}.")
        return self.values[name]


@lru_cache(maxsize=1)
def shipped() -> Calibration:
    """The calibration that comes with the project, from rendered bona fide cards; raises `CalibrationInvalid`."""
    return Calibration.load(_SHIPPED)


def _judged(
    name: str, value: float, limit: float, unit: str, reason: str, score: float, *, passed: bool
) -> CheckResult:
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        value=round(value, DIGITS),
        unit=unit,
        score=round(min(1.0, score), DIGITS),
        reason=None if passed else reason,
        limit=round(limit, DIGITS),
    )
