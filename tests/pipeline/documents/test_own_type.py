"""A type of an operator's own: its dates, its checks of the card with their limits, and its issuer are data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from idproof.datasets.specimen.prints import TYPES
from idproof.pipeline import Limits, Policy
from idproof.pipeline.calibration import Calibration, shipped_calibration
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.documents import DocumentType, load, load_builtin
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.fields.card_data import card_data
from idproof.pipeline.fields.checks import run
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.opening import make_rules, open_document, open_tools, with_own_limits
from idproof.pipeline.origin import UPLOADED
from idproof.pipeline.types import FieldReading, Outcome

HARBOUR = (TYPES / "harbour_pass.toml").read_text(encoding="utf-8")
DATES = """
[fields.date_of_birth]
box = [5.0, 44.0, 20.0, 3.0]
script = "digits"
pattern = '[0-9. ]+'
date = "YYYY.MM.DD"

[fields.issue_date]
box = [30.0, 44.0, 20.0, 3.0]
script = "latin"
pattern = '[0-9]{2} [A-Z]{3} [0-9]{2}'
date = "DD MMM YY"
century = 2000
"""
CHECKS = 'checks = ["dates_real", "dates_ordered", "issued_under_design"]\n'
GENUINE = {
    "holder": "SILVA, Ana",
    "pass_number": "HP-123456",
    "valid_until": "01-02-2031",
    "date_of_birth": "1990.12.31",
    "issue_date": "05 MAR 21",
}
TODAY = date(2026, 11, 23)


def own_type(folder: Path, head: str = "", tail: str = "") -> DocumentType:
    text = head + HARBOUR.replace('"harbour_pass.png"', f'"{TYPES / "harbour_pass.png"}"') + tail
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return open_document(folder / "own.toml")


def facts(document: DocumentType, **changed: str) -> Facts:
    texts = GENUINE | changed
    return Facts({name: FieldReading(text, 0.99, certain=True) for name, text in texts.items()}, document, TODAY)


def test_dates_in_the_types_own_forms_pass(tmp_path: Path) -> None:
    document = own_type(tmp_path, CHECKS, DATES)
    assert {result.name: result.outcome for result in run(facts(document))} == dict.fromkeys(
        ("fields_readable", *document.checks), Outcome.PASS
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"date_of_birth": "1990.02.30"}, "date_impossible"),
        ({"date_of_birth": "31-12-1990"}, "date_impossible"),
        ({"valid_until": "31-02-2031"}, "date_impossible"),
        ({"date_of_birth": "2021.03.05"}, "dates_out_of_order"),
        ({"issue_date": "24 NOV 26"}, "dates_out_of_order"),
        ({"issue_date": "31 DEC 19"}, "issued_before_design"),
    ],
)
def test_a_contradiction_between_the_types_own_dates_fails(
    tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    dated = HARBOUR.replace(
        "pattern = '\\d{2}-\\d{2}-\\d{4}'", "pattern = '\\d{2}-\\d{2}-\\d{4}'\ndate = \"DD-MM-YYYY\""
    )
    assert dated != HARBOUR
    (tmp_path / "own.toml").write_text(
        CHECKS + dated.replace('"harbour_pass.png"', f'"{TYPES / "harbour_pass.png"}"') + DATES, encoding="utf-8"
    )
    document = open_document(tmp_path / "own.toml")
    assert [result.reason for result in run(facts(document, **changed)) if result.outcome is Outcome.FAIL] == [reason]


def test_an_unread_date_leaves_the_dates_unassessed(tmp_path: Path) -> None:
    document = own_type(tmp_path, CHECKS, DATES)
    unread = dict(facts(document).fields) | {"issue_date": FieldReading("05 MAR 21", 0.2, certain=False)}
    assert all(result.outcome is None for result in run(Facts(unread, document, TODAY)))


def test_records_and_claims_get_the_types_dates_in_iso_form(tmp_path: Path) -> None:
    document = own_type(tmp_path, CHECKS, DATES)
    filled = {
        name: value for name, value in asdict(card_data(facts(document).fields, document, TODAY)).items() if value
    }
    assert filled == {"birth_date": "1990-12-31", "issue_date": "2021-03-05"}


def test_a_pattern_that_does_not_fit_its_date_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentTypeInvalid, match="date_of_birth"):
        own_type(tmp_path, CHECKS, DATES.replace("[0-9. ]+", "[0-9]{8}"))


def test_the_type_chooses_the_checks_of_its_card(tmp_path: Path) -> None:
    whole = CardExaminer.open(own_type(tmp_path))
    chosen = CardExaminer.open(own_type(tmp_path, 'card_checks = ["same_card", "card_angles"]\n'))
    assert {quantity.name for quantity in chosen.quantities} == {"same_card", "card_angles"}
    assert set(chosen.required) == {"same_card", "card_angles", "fraud_document"}
    assert set(chosen.left_out) == {quantity.name for quantity in (*whole.quantities,)} - set(chosen.required)
    rules = make_rules(chosen.document, chosen, Policy(), Limits(), "open", None)
    assert set(chosen.left_out) <= set(rules.not_performed(None, UPLOADED))
    assert not set(chosen.left_out) & set(rules.required(None, UPLOADED))


@pytest.mark.parametrize("names", ['["no_such_check"]', '["second_portrait"]', "[]"])
def test_a_type_cannot_choose_a_check_that_its_card_cannot_have(tmp_path: Path, names: str) -> None:
    with pytest.raises(DocumentTypeInvalid, match="check"):
        CardExaminer.open(own_type(tmp_path, f"card_checks = {names}\n"))


def calibrated(**changed: Sequence[float]) -> Calibration:
    """The shipped values without the two cards that their own limits reject, which an own calibration cannot hold."""
    shipped = shipped_calibration()
    values = {name: tuple(measured) for name, measured in shipped.values.items()}
    values |= {"same_card": values["same_card"][1:], "recapture_screen": values["recapture_screen"][:-1]}
    return replace(shipped, values=values | {name: tuple(measured) for name, measured in changed.items()})


def calibration(folder: Path, **changed: Sequence[float]) -> None:
    made = calibrated(**changed)
    table = {"values": made.values, "margin": made.margin, "quotients": sorted(made.quotients), "source": {}}
    (folder / "limits.json").write_text(json.dumps(table))


def test_the_limits_of_the_card_come_from_the_types_own_calibration(tmp_path: Path) -> None:
    calibration(tmp_path, same_card=[0.9] * 20)
    own_type(tmp_path, 'calibration = "limits.json"\n')
    tools = open_tools("open", tmp_path / "own.toml", Policy(), Limits(), 1)
    assert tools.policy.calibration.low("same_card") == 0.9
    assert load(tmp_path / "own.toml").calibration == tmp_path / "limits.json"


def test_a_calibration_without_a_value_of_a_check_is_refused_before_anybody_is_verified(tmp_path: Path) -> None:
    calibration(tmp_path)
    table = json.loads((tmp_path / "limits.json").read_text())
    del table["values"]["same_card"]
    (tmp_path / "limits.json").write_text(json.dumps(table))
    own_type(tmp_path, 'calibration = "limits.json"\n')
    with pytest.raises(DocumentTypeInvalid, match="same_card"):
        open_tools("open", str(tmp_path / "own.toml"), Policy(), Limits(), 1)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"same_card": [0.25] * 20}, "genuine cards where same_card places a forgery"),  # cards of different people
        ({"same_card": [0.55] * 20}, "genuine cards where same_card places a forgery"),
        ({"recapture_bezel": [50.0] * 20}, "genuine cards where recapture_bezel places a forgery"),
        ({"second_portrait_moves": [0.0] * 20}, "genuine cards where second_portrait_moves places a forgery"),
        ({"same_card": [*[0.55] * 4, *[0.95] * 30]}, "many genuine cards that same_card would reject"),
    ],
)
def test_a_calibration_that_makes_a_check_void_is_refused_as_the_types_and_as_the_policys(
    tmp_path: Path, changed: dict[str, list[float]], fault: str
) -> None:
    calibration(tmp_path, **changed)
    built_in = load_builtin()
    with pytest.raises(DocumentTypeInvalid, match=fault):
        with_own_limits(Policy(), CardExaminer.open(replace(built_in, calibration=tmp_path / "limits.json")))
    with pytest.raises(DocumentTypeInvalid, match=fault):
        with_own_limits(Policy(calibration=calibrated(**changed)), CardExaminer.open(built_in))
    without = replace(built_in, card_checks=tuple(set(calibrated().values) - set(changed)))
    with_own_limits(Policy(calibration=calibrated(**changed)), CardExaminer.open(without))
    with_own_limits(Policy(calibration=calibrated()), CardExaminer.open(built_in))


def test_one_bad_card_makes_no_calibration_void_and_the_shipped_one_can_be_an_operators_own() -> None:
    for values in (calibrated(same_card=[0.55, *[0.95] * 30]), shipped_calibration()):
        with_own_limits(Policy(calibration=values), CardExaminer.open(load_builtin()))


def test_the_projects_own_calibration_stands_where_neither_type_nor_policy_has_one() -> None:
    examiner = CardExaminer.open(load_builtin())
    assert with_own_limits(Policy(), examiner).calibration is shipped_calibration()


@pytest.mark.parametrize(
    ("head", "day"),
    [("utc_offset_h = 9.0\n", "2026-11-30"), ("utc_offset_h = -5.0\n", "2026-11-29"), ("", "2026-11-30")],
)
def test_today_is_the_issuers_and_by_default_the_latest_anywhere(tmp_path: Path, head: str, day: str) -> None:
    moment = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)
    assert today(own_type(tmp_path, head), moment).isoformat() == day


@pytest.mark.parametrize("country", ["Hong Kong", "HK", "hkg"])
def test_an_issuer_that_is_no_country_code_is_refused(tmp_path: Path, country: str) -> None:
    with pytest.raises(DocumentTypeInvalid, match="issuer_country"):
        own_type(tmp_path, f'issuer_country = "{country}"\n')


@pytest.mark.parametrize(
    ("head", "tail", "fault"),
    [
        ('check = ["dates_real"]\n', DATES, "the type has an unknown key, check"),
        ("", DATES + CHECKS, "the field issue_date has an unknown key, checks"),
        ("", '[regions.foil]\nbox = [26.0, 24.0, 8.5, 17.0]\nkind = "diffractiv"\n', "unknown kind, diffractiv"),
        ("", '[regions.foil]\nbox = [26.0, 24.0, 8.5, 17.0]\nkind = "diffractive"\nzone = "z.png"\n', "key, zone"),
        ("", '[regions.foil]\nbox = [26.0, 24.0, 8.5, 17.0]\nkind = "diffractive"\n', "lacks zones"),
        ("", '[regions.small]\nbox = [26.0, 24.0, 8.5, 17.0]\nkind = "second_portrait"\n', "lacks picture"),
        ("", '[region.foil]\nbox = [26.0, 24.0, 8.5, 17.0]\nkind = "diffractive"\n', "unknown key, region"),
    ],
)
def test_a_misspelt_key_never_leaves_out_a_check_silently(tmp_path: Path, head: str, tail: str, fault: str) -> None:
    with pytest.raises(DocumentTypeInvalid, match=fault):
        own_type(tmp_path, head, tail)
