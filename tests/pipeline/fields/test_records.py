"""Only a match in the records passes; no failure of the authority ever accepts."""

import pytest

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, ask, check, compare
from idproof.pipeline.types import Outcome, Status

CARD = CardData(surname="CHAN", given_names="Tai Man", number="A1234563", birth_date="1996-02-29")


class Authority:
    def __init__(self, answer: RecordAnswer | Exception) -> None:
        self._answer = answer

    def look_up(self, form: CardData) -> RecordAnswer:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_a_match_passes() -> None:
    assert check(ask(CARD, Authority(compare(CARD, CARD)))).outcome is Outcome.PASS


def test_a_mismatch_names_the_field_without_its_value() -> None:
    other = CardData(surname="CHAN", given_names="Tai Man", number="A1234563", birth_date="1996-02-28")
    found = check(ask(CARD, Authority(compare(other, CARD))))
    assert (found.outcome, found.reason, found.value) == (Outcome.FAIL, "records_mismatch_birth_date", 1.0)
    assert "1996" not in repr(found)


def test_a_lost_card_fails() -> None:
    found = check(ask(CARD, Authority(RecordAnswer(RecordStatus.LOST_OR_INVALID))))
    assert (found.outcome, found.reason) == (Outcome.FAIL, "card_lost_or_invalid")


@pytest.mark.parametrize("answer", [RecordAnswer(RecordStatus.UNAVAILABLE), TimeoutError(), ValueError("A123456(3)")])
def test_unavailable_cannot_be_assessed(answer: RecordAnswer | Exception) -> None:
    found = check(ask(CARD, Authority(answer)))
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "records_unavailable")


def test_only_declared_tolerances_apply() -> None:
    assert (
        compare(CARD, CardData(**{n: getattr(CARD, n) for n in CARD.__slots__} | {"surname": "Chan"})).status == "match"
    )
    assert compare(CARD, CardData(surname="CHAN"), ignore_case=()).differing == ("given_names", "number", "birth_date")


def test_differing_fields_need_a_mismatch() -> None:
    with pytest.raises(ValueError, match="mismatch"):
        RecordAnswer(RecordStatus.MATCH, ("number",))
    with pytest.raises(ValueError, match="mismatch"):
        RecordAnswer(RecordStatus.MISMATCH)
