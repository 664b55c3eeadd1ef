"""The card against the issuing department's records.

The pipeline knows only this protocol; who speaks to the department, and how, is the service's matter.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "records"


class RecordStatus(StrEnum):
    """What the records say about a card."""

    MATCH = "match"
    MISMATCH = "mismatch"
    LOST_OR_INVALID = "lost_or_invalid"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """The authority's answer.

    Attributes:
        status: what the records say.
        differing: names of the `CardData`'s fields that differ, for a mismatch. Names only, never values.
        portrait: whether the record gives its portrait to compare with; it is asked for only then.
    """

    status: RecordStatus
    differing: tuple[str, ...] = ()
    portrait: bool = False

    def __post_init__(self) -> None:
        if bool(self.differing) != (self.status is RecordStatus.MISMATCH):
            raise ValueError("differing fields belong to a mismatch, and only to one")


class Sink(Protocol):
    """Takes bytes as they arrive, into the vault."""

    def write(self, chunk: bytes) -> int:
        """Append; raises `BadInput` beyond the limit."""
        ...


class RecordsAuthority(Protocol):
    """Whoever holds the records."""

    def look_up(self, form: CardData) -> RecordAnswer:
        """Compare a card's fields with the records.

        Must answer within the authority's own time limit, and `unavailable` rather than raise; an exception is taken
        for `unavailable` all the same.
        """
        ...

    def portrait(self, form: CardData, into: Sink) -> None:
        """Write the registered portrait of the card's holder, JPEG or PNG, into the vault and nowhere else.

        Asked only after an answer that said there is one; an exception means that it could not be had.
        """
        ...


def compare(
    recorded: CardData, read: CardData, *, ignore_case: tuple[str, ...] = ("surname", "given_names")
) -> RecordAnswer:
    """The answer of an authority that holds a `CardData`: exact, but for the letters' case where it is declared.

    Example:
        >>> compare(CardData(surname="CHAN"), CardData(surname="Chan")).status
        <RecordStatus.MATCH: 'match'>
    """

    def alike(name: str) -> bool:
        one, other = getattr(recorded, name), getattr(read, name)
        if name in ignore_case and one is not None and other is not None:
            return bool(one.casefold() == other.casefold())
        return bool(one == other)

    differing = tuple(name for name in CardData.__slots__ if not alike(name))
    return RecordAnswer(RecordStatus.MISMATCH if differing else RecordStatus.MATCH, differing)


def ask(form: CardData, authority: RecordsAuthority) -> RecordAnswer:
    """What the authority answers; `unavailable` when it fails."""
    try:
        return authority.look_up(form)
    except Exception:  # noqa: BLE001 - an outside system fails in many ways; none of them may accept or leak
        return RecordAnswer(RecordStatus.UNAVAILABLE)


def fetch(form: CardData, authority: RecordsAuthority, into: Sink) -> bool:
    """Whether the authority gave its portrait."""
    try:
        authority.portrait(form, into)
    except Exception:  # noqa: BLE001 - as in `ask`
        return False
    return True


def check(found: RecordAnswer) -> CheckResult:
    """`records`: passes on a match only; what the authority could not answer could not be assessed."""
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
