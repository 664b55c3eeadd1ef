"""Invented people agree with themselves, whatever the seed."""

import re
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.datasets.specimen import identity, names
from idproof.datasets.specimen.identity import check_digit, invent
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.documents.commercial_codes import codes

people = st.integers(0, 2**32).map(lambda seed: invent(np.random.default_rng(seed)))
DOCUMENT = load_builtin()


def day(text: str) -> date:
    numbers = [int(part) for part in text.split("-")]
    return date(numbers[2] if numbers[2] > 99 else 2000 + numbers[2], numbers[1], numbers[0])


@given(people)
def test_every_field_has_its_printed_form(fields: dict[str, str]) -> None:
    assert set(fields) == {spec.name for spec in DOCUMENT.fields}
    for spec in DOCUMENT.fields:
        if fields[spec.name] or spec.required:
            assert re.fullmatch(spec.pattern, fields[spec.name]), spec.name


@given(people)
def test_the_numbers_weighted_sum_is_a_multiple_of_eleven(fields: dict[str, str]) -> None:
    prefix, digits, check = re.fullmatch(r"([A-Z]{1,2})(\d{6})\((.)\)", fields["number"]).groups()  # type: ignore[union-attr]
    values = [" ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 9 for letter in prefix]
    values = [36, *values] if len(prefix) == 1 else values
    values += [int(digit) for digit in digits] + [10 if check == "A" else int(check)]
    assert sum(weight * value for weight, value in zip((9, 8, 7, 6, 5, 4, 3, 2, 1), values, strict=True)) % 11 == 0


@pytest.mark.parametrize(
    ("prefix", "digits", "check"), [("A", "123456", "3"), ("AB", "987654", "3"), ("C", "000001", "7")]
)
def test_check_digits_worked_out_by_hand(prefix: str, digits: str, check: str) -> None:
    assert check_digit(prefix, digits) == check


@given(people)
def test_dates_follow_one_another(fields: dict[str, str]) -> None:
    born, issued = day(fields["date_of_birth"]), day(fields["issue_date"])
    month, year = (int(part) for part in fields["first_registration"].strip("()").split("-"))
    assert DOCUMENT.issued_from <= issued <= date(2026, 12, 31)
    # Two digits of a year: one of the two centuries must stand between birth and issue.
    assert any(
        (born.year + 11, born.month) <= (century + year, month) <= (issued.year, issued.month)
        for century in (1900, 2000)
    )


def age_at_issue(fields: dict[str, str]) -> int:
    born, issued = day(fields["date_of_birth"]), day(fields["issue_date"])
    return issued.year - born.year - ((issued.month, issued.day) < (born.month, born.day))


@given(people)
def test_symbols_say_the_holders_age_one_residence_and_one_birthplace(fields: dict[str, str]) -> None:
    found = re.fullmatch(r"(\*{3}|\*)[ACRU][ZXWO][BN]?", fields["symbols"])
    assert found
    age = age_at_issue(fields)
    assert age >= 18 if found[1] == "***" else 11 <= age <= 17


@given(people)
def test_the_title_says_permanent_if_and_only_if_the_symbols_hold_a(fields: dict[str, str]) -> None:
    permanent = "永久性" in fields["title"]
    assert permanent is ("PERMANENT" in fields["title"]) is ("A" in fields["symbols"])
    assert "SPECIMEN" in fields["title"]
    assert "示範" in fields["title"]


@given(st.integers(0, 2**32), st.dates(date(2018, 11, 26), date(2026, 6, 30)))
def test_minors_are_11_to_17_on_the_day_of_issue_even_after_a_leap_day(seed: int, issued: date) -> None:
    for when in (issued, date(2024, 2, 29), date(2023, 2, 28)):
        born = identity._minor_born(np.random.default_rng(seed), when)
        age = when.year - born.year - ((when.month, when.day) < (born.month, born.day))
        assert 11 <= age <= 17
        assert born < identity._years(born, 11) <= when


@given(people)
def test_codes_are_those_of_the_name_or_both_are_absent(fields: dict[str, str]) -> None:
    name, printed = fields["chinese_name"], fields["chinese_codes"].split()
    assert len(name) == len(printed)
    assert all(code == codes(character)[0] for character, code in zip(name, printed, strict=True))
    surname, given_names = fields["english_name"].split(", ")
    assert surname == surname.upper()
    assert not name or len(name) == 1 + len(given_names.split())


def test_people_differ_and_cover_the_kinds() -> None:
    many = [invent(np.random.default_rng(seed)) for seed in range(400)]
    assert len({fields["number"] for fields in many}) == 400
    assert {len(fields["number"]) for fields in many} == {10, 11}
    assert {fields["sex"] for fields in many} == {"男 M", "女 F"}
    assert any(not fields["chinese_name"] for fields in many)
    assert any(fields["number"].endswith("(A)") for fields in many)
    minors = sum("***" not in fields["symbols"] for fields in many)
    assert 8 <= minors <= 40
    assert 200 <= sum("A" in fields["symbols"] for fields in many) <= 280


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_hundred_people_have_five_hundred_different_given_characters(seed: int) -> None:
    many = [invent(np.random.default_rng([seed, i])) for i in range(300)]
    assert len({character for fields in many for character in fields["chinese_name"][1:]}) >= 500


def test_a_prescribed_given_name_is_printed_and_spelt() -> None:
    for seed in range(40):  # also where the holder would have had no Chinese name
        fields = invent(np.random.default_rng(seed), characters="志明")
        assert fields["chinese_name"][1:] == "志明"
        assert fields["english_name"].endswith(", Chi Ming")
        assert fields["chinese_codes"].split()[1:] == [codes("志")[0], codes("明")[0]]


@pytest.mark.parametrize(("sex", "printed", "age"), [("F", "女 F", 42), ("M", "男 M", 77)])
def test_a_card_agrees_with_the_person_in_its_portrait_and_nothing_else_changes(
    sex: str, printed: str, age: int
) -> None:
    fitted_to_portrait = {"sex", "date_of_birth", "first_registration", "symbols"}
    for seed in range(60):
        drawn = invent(np.random.default_rng(seed))
        fitted = invent(np.random.default_rng(seed), sex=sex, age=age)
        assert fitted["sex"] == printed
        born, issued = day(fitted["date_of_birth"]), day(fitted["issue_date"])
        assert abs((issued - born).days / 365.25 - age) <= 4.01
        assert fitted["symbols"].startswith("***")
        rest = drawn.keys() - fitted_to_portrait
        assert {name: fitted[name] for name in rest} == {name: drawn[name] for name in rest}


@pytest.mark.parametrize("characters", ["", "志Q", "志明家俊偉文"])
def test_a_name_that_the_table_cannot_give_is_refused(characters: str) -> None:
    with pytest.raises(ValueError, match="one to 5 characters"):
        invent(np.random.default_rng(1), characters=characters)


def test_a_hand_written_romanisation_goes_before_the_rule() -> None:
    assert (names.given()["子"], names.given()["儀"]) == ("Tsz", "Yee")
