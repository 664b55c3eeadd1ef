"""Records what the checks measure before limits exist: the source of every calibration."""

from dataclasses import dataclass, field
from typing import NamedTuple

from idproof.pipeline.calibration import DECIMALS, Calibration
from idproof.pipeline.types import CheckResult, Outcome, Status


class Judgement(NamedTuple):
    """One judgement that a check asked of its calibration; another calibration can be asked the same."""

    side: str
    name: str
    value: float
    unit: str
    reason: str
    tolerance: float = 0.0

    def by(self, calibration: Calibration) -> CheckResult:
        """Returns the result that this calibration gives."""
        name, value, unit, reason = self.name, self.value, self.unit, self.reason
        if self.side == "within":
            return calibration.within(name, value, unit=unit, reason=reason, tolerance=self.tolerance)
        judge = {"at_least": calibration.at_least, "at_most": calibration.at_most}
        return judge[self.side](name, value, unit=unit, reason=reason)


@dataclass(frozen=True)
class RecordingCalibration(Calibration):
    """Passes every check and records what was asked.

    Attributes:
        judgements: in the order in which they were asked.
    """

    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)

    def at_least(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Passes."""
        return self._record(Judgement("at_least", name, value, unit, reason))

    def at_most(self, name: str, value: float, *, unit: str, reason: str) -> CheckResult:
        """Passes."""
        return self._record(Judgement("at_most", name, value, unit, reason))

    def within(self, name: str, value: float, *, unit: str, reason: str, tolerance: float = 0.0) -> CheckResult:
        """Passes."""
        return self._record(Judgement("within", name, value, unit, reason, tolerance))

    def _record(self, judgement: Judgement) -> CheckResult:
        judgement = judgement._replace(value=round(judgement.value, DECIMALS))
        self.judgements.append(judgement)
        return CheckResult(judgement.name, Status.ASSESSED, Outcome.PASS, judgement.value, judgement.unit)
