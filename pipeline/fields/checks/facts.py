"""Input of the checks, and the two results that most of them return."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, FieldReading, Outcome, Status

_CLEAR_SHARE = 0.8
"""Of the votes, from which a character is seen clearly. Chosen by hand on rendered tuning cards; no outside source."""


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """The fields as read, the document type, and the day the check is made on."""

    fields: Mapping[str, FieldReading]
    document: DocumentType
    today: date

    def text(self, name: str) -> str | None:
        """Returns the field's text when it was read with certainty, else None."""
        reading = self.fields.get(name)
        return reading.text if reading is not None and reading.certain else None

    def text_as_seen(self, name: str) -> str | None:
        """Returns the field's text when every capture shows it clearly, even where nothing else confirms it."""
        reading = self.fields.get(name)
        clear = reading is not None and (reading.certain or reading.confidence >= _CLEAR_SHARE)
        return reading.text if reading is not None and clear else None

    def texts(self, *names: str) -> tuple[str, ...] | None:
        """Returns the texts of several fields, or None unless all were read with certainty."""
        found = [text for name in names if (text := self.text(name)) is not None]
        return tuple(found) if len(found) == len(names) else None


def yes_no(name: str, holds: bool, reason: str, *, otherwise: Outcome = Outcome.FAIL) -> CheckResult:
    """Returns the result of a yes-or-no check."""
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if holds else otherwise,
        value=float(holds),
        unit="agreement",
        score=float(holds),
        reason=None if holds else reason,
        limit=1.0,
    )


def not_read(name: str) -> CheckResult:
    """Returns the result of a check whose fields were not read with certainty."""
    return CheckResult.not_assessed(name, f"{name}_unread")
