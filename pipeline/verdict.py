"""Makes a verdict's identifier, and converts verdicts to JSON and back."""

import secrets
import time
from dataclasses import asdict
from typing import Any

from idproof.pipeline.types import (
    CheckResult,
    Correction,
    Decision,
    DeletionReceipt,
    FieldReading,
    Outcome,
    Status,
    Verdict,
    Wiped,
)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """Make an identifier: `ver_` and 26 characters of Crockford's base 32 (the format of a ULID).

    They encode 48 bits of time in milliseconds, then 80 random bits.

    Example:
        >>> len(new_id())
        30
    """
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "ver_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Convert to plain JSON types. They hold the card's fields: personal data, to be sent and sealed, never logged."""
    return asdict(verdict) | {
        "fields": {name: _reading_to_json(reading) for name, reading in verdict.fields.items()},
        "form": dict(verdict.form),
        "weights": dict(verdict.weights),
        "timings_ms": dict(verdict.timings_ms),
        "reasons": list(verdict.reasons),
        "checks": [asdict(check) for check in verdict.checks],
        "not_performed": list(verdict.not_performed),
        "required": list(verdict.required),
        "deletion": asdict(verdict.deletion)
        | {
            "wiped": [asdict(entry) | {"roles": list(entry.roles)} for entry in verdict.deletion.wiped],
            "guards": list(verdict.deletion.guards),
        },
    }


def from_json(data: dict[str, Any]) -> Verdict:
    """Convert from `to_json`'s types; raises KeyError, TypeError or ValueError for anything else."""
    deletion = data["deletion"]
    return Verdict(
        **data
        | {
            "decision": Decision(data["decision"]),
            "reasons": tuple(data["reasons"]),
            "checks": tuple(_check(entry) for entry in data["checks"]),
            "fields": {name: _reading(entry) for name, entry in data["fields"].items()},
            "not_performed": tuple(data["not_performed"]),
            "required": tuple(data.get("required", ())),
            "deletion": DeletionReceipt(
                wiped=tuple(Wiped(**entry | {"roles": tuple(entry.get("roles", ()))}) for entry in deletion["wiped"]),
                mechanism=deletion["mechanism"],
                guards=tuple(deletion["guards"]),
                outstanding=deletion["outstanding"],
                sealed_copies=deletion.get("sealed_copies", 0),
                protected_templates=deletion.get("protected_templates", 0),
            ),
        }
    )


def _reading_to_json(reading: FieldReading) -> dict[str, Any]:
    return asdict(reading) | {
        "corrections": [asdict(correction) for correction in reading.corrections],
        "alternatives": [list(alternative) for alternative in reading.alternatives],
    }


def _reading(entry: dict[str, Any]) -> FieldReading:
    return FieldReading(
        **entry
        | {
            "corrections": tuple(Correction(**correction) for correction in entry.get("corrections", ())),
            "alternatives": tuple((int(i), str(c), float(share)) for i, c, share in entry.get("alternatives", ())),
        }
    )


def _check(entry: dict[str, Any]) -> CheckResult:
    outcome = entry["outcome"]
    return CheckResult(
        **entry | {"status": Status(entry["status"]), "outcome": Outcome(outcome) if outcome is not None else None}
    )
