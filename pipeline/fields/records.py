"""Comparison of the card with the issuing department's records.

The pipeline defines only this protocol; the service implements the connection to the department.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "records"


class RecordStatus(StrEnum):
    """Result of looking up a card in the records."""

    MATCH = "match"
    MISMATCH = "mismatch"
    LOST_OR_INVALID = "lost_or_invalid"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """The authority's answer.

    Attributes:
        status: result of the look-up.
        differing: names of the fields of `CardData` that differ, for a mismatch. Names only, never values.
        portrait: whether the record offers its portrait for comparison; it is requested only then.
    """

    status: RecordStatus
    differing: tuple[str, ...] = ()
    portrait: bool = False

    def __post_init__(self) -> None:
        if bool(self.differing) != (self.status is RecordStatus.MISMATCH):
            raise ValueError("differing fields belong to a mismatch, and only to one")


class Sink(Protocol):
    """Receives bytes into the vault as they arrive."""

    def write(self, chunk: bytes) -> int:
        """Appends a chunk; raises `BadInput` beyond the limit."""
        ...


class RecordsAuthority(Protocol):
    """Authority that holds the records."""

    def look_up(self, form: CardData) -> RecordAnswer:
        """Compares a card's fields with the records.

        Must answer within the authority's own time limit, and with `unavailable` instead of an exception; an exception
        counts as `unavailable`.
        """
        ...

    def portrait(self, form: CardData, into: Sink) -> None:
        """Writes the registered portrait of the card's holder, JPEG or PNG, into the vault and nowhere else.

        Called only after an answer that offers one; an exception means that it could not be fetched.
        """
        ...


def compare(
    recorded: CardData, read: CardData, *, ignore_case: tuple[str, ...] = ("surname", "given_names")
) -> RecordAnswer:
    """Returns the answer of an authority that holds a `CardData`; exact, except for letter case in `ignore_case`.

    Example:
        >>> compare(CardData(surname="CHAN"), CardData(surname="Chan")).status
        <RecordStatus.MATCH: 'match'>
    """

    def equal(name: str) -> bool:
        one, other = getattr(recorded, name), getattr(read, name)
        if name in ignore_case and one is not None and other is not None:
            return bool(one.casefold() == other.casefold())
        return bool(one == other)

    differing = tuple(name for name in CardData.__slots__ if not equal(name))
    return RecordAnswer(RecordStatus.MISMATCH if differing else RecordStatus.MATCH, differing)


def ask(form: CardData, authority: RecordsAuthority) -> RecordAnswer:
    """Returns the authority's answer; `unavailable` when it fails."""
    try:
        return authority.look_up(form)
    except Exception:  # noqa: BLE001 - an outside system fails in many ways; none of them may accept or leak
        return RecordAnswer(RecordStatus.UNAVAILABLE)


def fetch(form: CardData, authority: RecordsAuthority, into: Sink) -> bool:
    """Fetches the authority's portrait; returns whether it came."""
    try:
        authority.portrait(form, into)
    except Exception:  # noqa: BLE001 - as in `ask`
        return False
    return True


def check(found: RecordAnswer) -> CheckResult:
    """`records`: passes only on a match; could not be assessed when the authority was unavailable."""
    if found.status is RecordStatus.UNAVAILABLE:
        return CheckResult.not_assessed(NAME, "records_unavailable")
    matched = found.status is RecordStatus.MATCH
    reason = None if matched else "card_lost_or_invalid"
    if found.status is RecordStatus.MISMATCH:
        reason = f"records_mismatch_{found.differing[0]}"
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if matched else Outcome.FAIL,
        value=float(len(found.differing)),
        unit="differing fields",
        score=float(matched),
        reason=reason,
        limit=0.0,
    )
