"""Every check of the fields: what passes, and the reason when it does not."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from idproof.pipeline import Policy, examine
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.documents.commercial_codes import agrees, codes
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.fields.card_data import CardData, card_data
from idproof.pipeline.fields.checks import CHECKS, dates, readable, require_assessable, run
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.types import FieldReading, Outcome, Status

DOCUMENT = load_builtin()
TODAY = date(2026, 11, 23)
GENUINE = {
    "title": "示範永久性身份證 SPECIMEN PERMANENT IDENTITY CARD",
    "chinese_name": "陳大文",
    "english_name": "CHAN, Tai Man",
    "chinese_codes": "7115 1129 2429",
    "date_of_birth": "29-02-1996",
    "sex": "男 M",
    "symbols": "***AZ",
    "first_registration": "(03-07)",
    "issue_date": "26-11-18",
    "number": "A123456(3)",
}


def facts(**changed: str) -> Facts:
    texts = GENUINE | changed
    return Facts({n: FieldReading(t, 0.99, certain=True) for n, t in texts.items()}, DOCUMENT, TODAY)


@pytest.mark.parametrize("name", CHECKS)
def test_a_genuine_card_passes_every_check(name: str) -> None:
    found = CHECKS[name](facts())
    assert (found.outcome, found.reason) == (Outcome.PASS, None)
    assert found.name == name


CONTRADICTIONS = [
    ({"number": "A123456(4)"}, "number_check_digit", "number_check_digit_wrong"),
    ({"chinese_codes": "7115 1129 2430"}, "name_codes", "name_codes_differ"),
    ({"chinese_name": "陳太文"}, "name_codes", "name_codes_differ"),
    ({"chinese_codes": ""}, "name_complete", "name_without_codes"),
    ({"chinese_name": ""}, "name_complete", "codes_without_name"),
    ({"chinese_codes": "7115 1129"}, "name_complete", "name_code_count"),
    ({"english_name": "TAI, Man Chan"}, "name_romanisation", "name_romanisation_implausible"),
    ({"date_of_birth": "30-02-1996"}, "dates_real", "date_impossible"),
    ({"first_registration": "(13-07)"}, "dates_real", "date_impossible"),
    ({"issue_date": "00-11-18"}, "dates_real", "date_impossible"),
    ({"date_of_birth": "29-02-2020", "issue_date": "01-01-19"}, "dates_ordered", "dates_out_of_order"),
    ({"issue_date": "24-11-26"}, "dates_ordered", "dates_out_of_order"),
    ({"first_registration": "(03-06)"}, "first_registration_age", "first_registration_too_young"),
    ({"issue_date": "25-11-18"}, "issued_under_design", "issued_before_design"),
    ({"symbols": "***AC"}, "symbols_form", "symbols_malformed"),
    ({"symbols": "***ZZ"}, "symbols_form", "symbols_malformed"),
    ({"symbols": "**AZ"}, "symbols_form", "symbols_malformed"),
    ({"symbols": "*AZ"}, "symbols_age", "symbols_contradict_age"),
    ({"date_of_birth": "01-06-2002", "first_registration": "(07-13)"}, "symbols_age", "symbols_contradict_age"),
    ({"symbols": "***CZ"}, "symbols_title", "symbols_contradict_title"),
    ({"title": "示範身份證 SPECIMEN IDENTITY CARD"}, "symbols_title", "symbols_contradict_title"),
    ({"sex": "女 M"}, "sex_scripts", "sex_scripts_differ"),
]


@pytest.mark.parametrize(("changed", "name", "reason"), CONTRADICTIONS)
def test_a_contradiction_has_its_own_reason(changed: dict[str, str], name: str, reason: str) -> None:
    found = CHECKS[name](facts(**changed))
    assert found.outcome in (Outcome.FAIL, Outcome.DOUBT)
    assert found.reason == reason


def test_the_single_reader_of_chinese_rejects_nobody() -> None:
    for changed, name in (({"chinese_name": "陳太文"}, "name_codes"), ({"chinese_name": "陳大"}, "name_complete")):
        assert CHECKS[name](facts(**changed)).outcome is Outcome.DOUBT


def test_codes_without_one_per_character_are_not_compared() -> None:
    found = CHECKS["name_codes"](facts(chinese_name="大文"))
    assert (found.outcome, found.reason) == (None, "name_code_count")


@pytest.mark.parametrize(
    ("chinese", "check", "reason"),
    [("陳太文", "name_codes", "name_codes_differ"), ("陳文", "name_complete", "name_code_count")],
)
def test_codes_that_do_not_confirm_a_clearly_seen_name_are_reported(chinese: str, check: str, reason: str) -> None:
    for confidence, expected in ((0.95, reason), (0.55, f"{check}_unread")):
        name = FieldReading(chinese, confidence, certain=False)
        found = CHECKS[check](Facts(dict(facts().fields) | {"chinese_name": name}, DOCUMENT, TODAY))
        assert (found.outcome is Outcome.PASS, found.reason) == (False, expected)


@pytest.mark.parametrize(
    ("birth", "first", "outcome"),
    [
        ("29-03-1996", "(03-07)", Outcome.PASS),  # eleven within the month, on its last days
        ("30-03-1996", "(03-07)", Outcome.PASS),
        ("31-03-1996", "(03-07)", Outcome.PASS),
        ("29-02-1996", "(02-07)", Outcome.DOUBT),  # eleven on 1 March
        ("01-04-1996", "(03-07)", Outcome.DOUBT),
        ("31-03-2000", "(03-07)", Outcome.DOUBT),  # a child may be registered
    ],
)
def test_a_first_registration_is_compared_to_the_month_and_never_rejected(
    birth: str, first: str, outcome: Outcome
) -> None:
    found = facts(date_of_birth=birth, first_registration=first)
    assert CHECKS["first_registration_age"](found).outcome is outcome
    assert CHECKS["dates_ordered"](found).outcome is Outcome.PASS


@pytest.mark.parametrize(("first", "outcome"), [("(03-15)", Outcome.PASS), ("(02-15)", Outcome.FAIL)])
def test_a_child_may_be_registered_in_the_month_of_birth_but_not_before(first: str, outcome: Outcome) -> None:
    found = facts(date_of_birth="20-03-2015", first_registration=first, symbols="AZ")
    assert CHECKS["dates_ordered"](found).outcome is outcome


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-29T15:59:59+00:00", "2026-11-29"),
        ("2026-11-29T16:00:00+00:00", "2026-11-30"),
        ("2026-11-29T23:59:59+00:00", "2026-11-30"),
        ("2026-11-30T00:00:00+08:00", "2026-11-30"),
    ],
)
def test_today_is_hong_kongs_day(moment: str, day: str) -> None:
    assert dates.today(DOCUMENT, datetime.fromisoformat(moment)).isoformat() == day


@pytest.mark.parametrize(("day", "outcome"), [(date(2026, 11, 30), Outcome.PASS), (date(2026, 11, 29), Outcome.FAIL)])
def test_the_examination_compares_with_hong_kongs_day(
    monkeypatch: pytest.MonkeyPatch, day: date, outcome: Outcome
) -> None:
    read = dict(facts(issue_date="30-11-26").fields)
    monkeypatch.setattr(examine, "today", lambda document: {DOCUMENT.name: day}[document.name])
    monkeypatch.setattr(examine, "borrow_card_pictures", lambda *_: nullcontext({}))
    monkeypatch.setattr(examine.field_reading, "read", lambda *_: read)
    _, found = examine.read_fields(Mock(), Mock(**{"locator.document": DOCUMENT}))
    assert next(check for check in found if check.name == "dates_ordered").outcome is outcome


NOTHING_TO_SAY = [
    ("區志明", "AU, Chi Ming"),
    ("單志明", "SIN, Chi Ming"),
    ("翟志明", "CHAK, Chi Ming"),
    ("覃志明", "CHUM, Chi Ming"),
    ("倪志明", "NI, Chi Ming"),
    ("倪志明", "NGAI, Chi Ming"),
    ("吳小麗", "WU, Xiaoli"),  # Mandarin
    ("吳家明", "WU, Ka Ming"),
    ("許志明", "HSU, Chih-ming"),  # as spelled in Taiwan
    ("陳秀明", "TAN, Siew Meng"),  # Hokkien
    ("陳小明", "SMITH, Siu Ming"),  # a foreign surname
    ("陳小明", "GARCIA, Siu Ming"),
    ("陳小明", "LEE, Mary"),  # a surname of many languages with a Western name
    ("陳小明", "WONG CHAN, Siu Ming"),  # the husband's surname before the own
    ("陳小明", "DELA CRUZ, Maria"),
    ("司徒明", "SZETO, Ming"),
    ("歐陽明", "AU YEUNG, Ming"),
    ("陳", "SURYANI"),
    ("", "SURYANI"),
]
ANOTHER_SURNAME = [
    ("陳大文", "WONG, Tai Man"),
    ("陳大文", "LEE, Tai Man"),
    ("陳大文", "TAI, Man Chan"),
    ("黃小明", "LAM, Siu Ming"),
]


@pytest.mark.parametrize(("chinese", "english"), NOTHING_TO_SAY)
def test_a_usual_spelling_of_a_surname_is_not_in_doubt(chinese: str, english: str) -> None:
    found = CHECKS["name_romanisation"](facts(chinese_name=chinese, english_name=english))
    assert (found.outcome, found.reason) == (Outcome.PASS, None)


@pytest.mark.parametrize(("chinese", "english"), ANOTHER_SURNAME)
def test_another_surname_with_the_names_own_readings_is_in_doubt(chinese: str, english: str) -> None:
    found = CHECKS["name_romanisation"](facts(chinese_name=chinese, english_name=english))
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "name_romanisation_implausible")


def test_every_check_can_fail() -> None:
    assert {name for _, name, _ in CONTRADICTIONS} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_of_unread_fields_cannot_be_assessed(name: str) -> None:
    unread = Facts({n: FieldReading(t, 0.2, certain=False) for n, t in GENUINE.items()}, DOCUMENT, TODAY)
    for nothing in (unread, Facts({}, DOCUMENT, TODAY)):
        assert CHECKS[name](nothing).status is Status.COULD_NOT_ASSESS


@pytest.mark.parametrize(
    "changed",
    [
        {"chinese_name": "", "chinese_codes": ""},  # a holder without a Chinese name
        {"symbols": "***AZL1"},  # a loss mark: not expected on this card, but no contradiction
        {"symbols": "AZ", "date_of_birth": "01-06-2002", "first_registration": "(07-13)"},  # no star at all
        {"symbols": "*AZ", "date_of_birth": "01-06-2002", "first_registration": "(07-13)"},
        {"number": "AB987654(3)"},
        {"english_name": "CHAN, Peter"},
        {"chinese_name": "陳戶文", "chinese_codes": "7115 2073 2429"},  # the code is listed for another form, 户
        {"symbols": "***AXBN"},
    ],
)
def test_rare_but_genuine_fields_pass(changed: dict[str, str]) -> None:
    assert [r.reason for r in run(facts(**changed)) if r.outcome is not Outcome.PASS] == []


def test_a_character_without_a_listed_code_cannot_be_assessed() -> None:
    unlisted = next(chr(p) for p in range(0x9F00, 0x9FFF) if not codes(chr(p)))
    found = CHECKS["name_codes"](facts(chinese_name=f"陳{unlisted}文"))
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "name_code_unlisted")


def test_one_uncertain_field_leaves_the_card_unreadable() -> None:
    fields = dict(facts().fields) | {"sex": FieldReading("男 M", 0.4, certain=False)}
    found = readable(Facts(fields, DOCUMENT, TODAY))
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "field_unreadable")


def test_a_document_type_cannot_name_a_check_that_does_not_exist() -> None:
    require_assessable(DOCUMENT)
    with pytest.raises(DocumentTypeInvalid, match="no_such_check"):
        require_assessable(replace(DOCUMENT, checks=("no_such_check",)))


@pytest.mark.parametrize("name", CHECKS)
def test_a_document_type_cannot_name_a_check_that_its_fields_can_never_satisfy(name: str) -> None:
    other = tuple(spec for spec in DOCUMENT.fields if spec.name not in GENUINE)
    with pytest.raises(DocumentTypeInvalid, match=name):
        require_assessable(replace(DOCUMENT, fields=other, checks=(name,)))


@pytest.mark.parametrize("name", ["dates_real", "dates_ordered", "first_registration_age", "issued_under_design"])
def test_a_check_of_dates_needs_fields_with_a_date_format(name: str) -> None:
    undated = tuple(replace(spec, date=None) for spec in DOCUMENT.fields)
    with pytest.raises(DocumentTypeInvalid, match="date format"):
        require_assessable(replace(DOCUMENT, fields=undated, checks=(name,)))


def test_card_data_holds_the_typed_fields() -> None:
    assert card_data(facts().fields, DOCUMENT, TODAY) == CardData(
        surname="CHAN",
        given_names="Tai Man",
        chinese_name="陳大文",
        number="A1234563",
        birth_date="1996-02-29",
        issue_date="2018-11-26",
        first_registration="2007-03",
        sex="male",
        symbols="***AZ",
    )


def test_a_single_name_is_a_surname_without_given_names() -> None:
    filled = card_data(facts(english_name="SURYANI").fields, DOCUMENT, TODAY)
    assert (filled.surname, filled.given_names) == ("SURYANI", "")
    unread = dict(facts().fields) | {"english_name": FieldReading("SURYANI", 0.4, certain=False)}
    assert card_data(unread, DOCUMENT, TODAY).surname is None


def test_card_data_leaves_out_uncertain_and_impossible_values_and_hides_all_in_repr() -> None:
    fields = dict(facts(date_of_birth="31-02-1990").fields) | {"number": FieldReading("A123456(3)", 0.3, certain=False)}
    filled = card_data(fields, DOCUMENT, TODAY)
    assert (filled.number, filled.birth_date, filled.surname) == (None, None, "CHAN")
    assert filled.issue_date == "2018-11-26"
    assert "CHAN" not in repr(filled)


def test_codes_agree_with_any_column_and_any_form() -> None:
    assert agrees("黃", "7806")
    assert agrees("黄", "7806")
    assert agrees("戶", "2073")
    assert not agrees("陳", "7116")


def test_every_reason_is_documented() -> None:
    table = (Path(__file__).parents[3] / "docs" / "reasons.md").read_text(encoding="utf-8")
    for _, _, reason in CONTRADICTIONS:
        assert f"`{reason}`" in table, reason
    for name in (*CHECKS, *Policy().required):
        assert f"`{name}`" in table, name
