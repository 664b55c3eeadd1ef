"""Ages and guardians: who needs one, who may not be registered, and what an unread card leaves open."""

from datetime import date

import pytest

from idproof.pipeline import Outcome, Status
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.guardian import Guardianship, adult, check

TODAY = date(2026, 11, 30)
NOBODY = Guardianship(joined=False)
PARENT = Guardianship(joined=True, is_holder=lambda number: number == "A123456(3)")


def child(birth: str | None, number: str | None = "C123456(9)") -> CardData:
    return CardData(number=number, birth_date=birth)


@pytest.mark.parametrize(
    ("birth", "guardianship", "outcome", "reason"),
    [
        ("2008-11-30", NOBODY, Outcome.PASS, None),  # 18 today
        ("2008-12-01", NOBODY, Outcome.DOUBT, "guardian_missing"),
        ("2008-12-01", PARENT, Outcome.PASS, None),
        ("2015-11-30", NOBODY, Outcome.DOUBT, "guardian_missing"),  # 11 today
        ("2015-11-30", PARENT, Outcome.PASS, None),
        ("2015-12-01", NOBODY, Outcome.FAIL, "applicant_too_young"),
        ("2015-12-01", PARENT, Outcome.FAIL, "applicant_too_young"),  # no guardian helps
        ("2026-12-01", NOBODY, Outcome.FAIL, "applicant_too_young"),
    ],
)
def test_the_age_on_the_day_decides(
    birth: str, guardianship: Guardianship, outcome: Outcome, reason: str | None
) -> None:
    found = check(child(birth), TODAY, guardianship)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert (found.value, found.score) == (None, None)  # the age is nobody's business


def test_nobody_is_their_own_guardian() -> None:
    found = check(child("2010-01-01", "A123456(3)"), TODAY, PARENT)
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "guardian_is_applicant")


def test_what_was_not_read_never_passes() -> None:
    for card in (child(None), child("2010-01-01", None)):
        assert check(card, TODAY, PARENT).status is Status.COULD_NOT_ASSESS
        assert check(card, TODAY, PARENT).reason == "guardian_unread"
    assert adult(child(None), TODAY) is None
    assert adult(child("2008-11-30"), TODAY) is True
    assert adult(child("2008-12-01"), TODAY) is False
