"""What the pictures of one registration told: facts, without a picture."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from idproof.pipeline.types import CheckResult, FieldReading


@dataclass(frozen=True, slots=True, repr=False)
class Findings:
    """Of everything that was examined.

    Attributes:
        checks: every check, in the order of the flow.
        fields: field name to reading. Personal data.
        timings_ms: stage to milliseconds; stages side by side overlap.
        weights: file name to SHA-256 of the networks that were used.
    """

    checks: tuple[CheckResult, ...]
    fields: Mapping[str, FieldReading]
    timings_ms: Mapping[str, float]
    weights: Mapping[str, str]

    def __repr__(self) -> str:
        """Counts only: field values stay out of logs."""
        return f"Findings(checks={len(self.checks)}, fields={len(self.fields)})"


def packed(findings: Findings) -> bytearray:
    """JSON, to be sealed and then overwritten."""
    return bytearray(_JSON.dump_json(findings))


def unpacked(data: bytes | bytearray) -> Findings:
    """The findings that were packed."""
    return _JSON.validate_json(bytes(data))


_JSON = TypeAdapter(Findings)
