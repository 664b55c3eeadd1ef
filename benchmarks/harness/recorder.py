"""What checks measure before there are limits to judge it by: how calibrations are made."""

from dataclasses import dataclass, field
from typing import NamedTuple

from idproof.pipeline.calibration import DECIMALS, Calibration
from idproof.pipeline.types import CheckResult, Outcome, Status


class Asked(NamedTuple):
    """One judgement that a check asked for, to be asked again of a calibration."""

    side: str
    name: str
    value: float
    unit: str
    reason: str

    def of(self, calibration: Calibration) -> CheckResult:
        """What it says."""
        judge = {"at_least": calibration.at_least, "at_most": calibration.at_most, "within": calibration.within}
        return judge[self.side](self.name, self.value, unit=self.unit, reason=self.reason)


@dataclass(frozen=True)
class Recorder(Calibration):
    """Lets everything pass, and remembers what was asked.

    Attributes:
        asked: in order.
    """

    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def at_least(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Passes."""
        return self._record(Asked("at_least", name, value, unit, reason))

    def at_most(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Passes."""
        return self._record(Asked("at_most", name, value, unit, reason))

    def within(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Passes."""
        return self._record(Asked("within", name, value, unit, reason))

    def _record(self, asked: Asked) -> CheckResult:
        asked = asked._replace(value=round(asked.value, DECIMALS))
        self.asked.append(asked)
        return CheckResult(asked.name, Status.ASSESSED, Outcome.PASS, asked.value, asked.unit)
