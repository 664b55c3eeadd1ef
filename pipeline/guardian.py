"""Guardians: an applicant of 11 to 17 is registered only with a guardian, and an applicant below 11 not at all.

In Hong Kong an identity card is first issued at the age of 11, and an adult's at 18 (Registration of Persons
Regulations, Cap. 177A, reg. 3 and 11). The caller knows who joined; this check knows the applicant's age from the card.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.checks.dates import age
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "guardian"
MISSING, SAME_PERSON, TOO_YOUNG = "guardian_missing", "guardian_is_applicant", "applicant_too_young"
YOUNGEST, ADULT = 11, 18
"""Ages in full years: of the youngest applicant, and of an adult."""


@dataclass(frozen=True, slots=True)
class Guardianship:
    """Facts about a guardian that the caller established before the verification.

    Attributes:
        joined: an adult with an accepted registration of their own joined this session and consented.
        is_holder: returns whether a card's number is the guardian's own.
    """

    joined: bool
    is_holder: Callable[[str], bool] = lambda _number: False


def adult(card: CardData, today: date) -> bool | None:
    """Returns whether a card's holder is an adult; None if the birth date was not read with certainty."""
    return None if card.birth_date is None else age(date.fromisoformat(card.birth_date), today) >= ADULT


def check(card: CardData, today: date, guardianship: Guardianship) -> CheckResult:
    """`guardian`: passes for adults, and for applicants of 11 to 17 with a guardian who is another person.

    It gives no value: that would be the age.

    Args:
        card: of the applicant.
        today: where the card is issued.
        guardianship: what the caller knows.
    """
    if card.birth_date is None:
        return CheckResult.not_assessed(NAME, f"{NAME}_unread")
    years = age(date.fromisoformat(card.birth_date), today)
    if years >= ADULT:
        return _result(Outcome.PASS)
    if years < YOUNGEST:
        return _result(Outcome.FAIL, TOO_YOUNG)
    if not guardianship.joined:
        return _result(Outcome.DOUBT, MISSING)
    if card.number is None:
        return CheckResult.not_assessed(NAME, f"{NAME}_unread")
    return _result(Outcome.DOUBT, SAME_PERSON) if guardianship.is_holder(card.number) else _result(Outcome.PASS)


def _result(outcome: Outcome, reason: str | None = None) -> CheckResult:
    return CheckResult(name=NAME, status=Status.ASSESSED, outcome=outcome, reason=reason)
