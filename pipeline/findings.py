"""The results of examining the pictures of one registration: facts, no picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from idproof.pipeline.card.plan.types import CardPose
from idproof.pipeline.types import CheckResult, FieldReading, Role


@dataclass(frozen=True, slots=True, repr=False)
class CardFindings:
    """The results for the three captures of the card. The fields are personal data.

    Attributes:
        checks: of the card itself.
        fields: field name to reading.
        field_checks: of the fields against each other.
        poses: of the card in each capture.
    """

    checks: tuple[CheckResult, ...]
    fields: dict[str, FieldReading]
    field_checks: tuple[CheckResult, ...]
    poses: Mapping[Role, CardPose] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Counts only: field values stay out of logs."""
        return f"CardFindings(checks={len(self.checks)}, fields={len(self.fields)})"


@dataclass(frozen=True, slots=True, repr=False)
class Findings:
    """The results for all captures.

    Attributes:
        checks: every check, in the order of the stages.
        fields: field name to reading. Personal data.
        timings_ms: stage to milliseconds; stages that run side by side overlap.
        weights: file name to SHA-256 of the networks that were used.
        poses: of the card in each capture in which it was found.
    """

    checks: tuple[CheckResult, ...]
    fields: Mapping[str, FieldReading]
    timings_ms: Mapping[str, float]
    weights: Mapping[str, str]
    poses: Mapping[Role, CardPose] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Counts only: field values stay out of logs."""
        return f"Findings(checks={len(self.checks)}, fields={len(self.fields)})"


def to_json(findings: Findings) -> bytearray:
    """Encode as JSON, in memory that the caller seals and then overwrites."""
    return bytearray(_JSON.dump_json(findings))


def from_json(data: bytes | bytearray) -> Findings:
    """The inverse of `to_json`; raises `pydantic.ValidationError` for anything else."""
    return _JSON.validate_json(bytes(data))


_JSON = TypeAdapter(Findings)
