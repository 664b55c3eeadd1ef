"""Readings of several captures become one, and only what grammar and confidence support is certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.models.types import LineReading
from idproof.pipeline import Policy
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.fields import checks
from idproof.pipeline.fields.read import normalise, settle
from idproof.pipeline.types import FieldReading, Outcome, Status

DOCUMENT = load_builtin()
POLICY = Policy()


def reading(text: str, confidence: float = 0.99) -> LineReading:
    return LineReading(text, (confidence,) * len(text))


def settled(name: str, *readings: LineReading) -> FieldReading:
    return settle(readings, DOCUMENT.field(name), POLICY)


def test_two_captures_outvote_one() -> None:
    found = settled("number", reading("A123456(3)", 0.7), reading("A123456(3)", 0.7), reading("A123466(3)", 0.99))
    assert (found.text, found.certain) == ("A123456(3)", True)


def test_one_confident_capture_is_enough_only_when_nothing_speaks_against_it() -> None:
    assert settled("number", reading("A123456(3)"), reading("#"), reading("")).certain
    assert not settled("number", reading("A123456(3)", 0.5), reading("#"), reading("")).certain
    assert not settled("number", reading("A123456(3)"), reading("A123458(3)"), reading("#")).certain


def test_what_has_not_the_printed_form_is_never_certain() -> None:
    found = settled("date_of_birth", reading("1990-01-01"), reading("1990-01-01"), reading("1990-01-01"))
    assert (found.text, found.certain) == ("1990-01-01", False)


def test_an_optional_field_may_be_blank_but_a_required_one_may_not() -> None:
    blank = (reading(""), reading(""), reading(""))
    assert settled("chinese_name", *blank).certain
    assert not settled("english_name", *blank).certain
    assert not settled("chinese_name", reading("陳大文", 0.3), reading(""), reading("")).certain


def test_a_lost_space_is_found_in_another_capture() -> None:
    found = settled("english_name", reading("MOK, FuWan"), reading("MOK, Fu Wan", 0.6), reading("MOK, FuWan"))
    assert (found.text, found.certain) == ("MOK, Fu Wan", True)


@pytest.mark.parametrize(
    ("name", "read", "printed"),
    [
        ("number", "a123456（3）", "A123456(3)"),
        ("chinese_codes", "711511292429", "7115 1129 2429"),
        ("sex", "女F", "女 F"),
        ("english_name", "CHAN,Tai  Man", "CHAN, Tai Man"),
        ("chinese_name", "陳 大文", "陳大文"),
        ("date_of_birth", "01–02—1990", "01-02-1990"),
        ("symbols", "＊＊＊AZ", "***AZ"),
    ],
)
def test_the_same_ink_is_the_same_text(name: str, read: str, printed: str) -> None:
    assert normalise(read, DOCUMENT.field(name)) == printed


@given(st.sampled_from([spec.name for spec in DOCUMENT.fields]), st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_text_settles_without_an_exception(name: str, texts: list[str]) -> None:
    found = settled(name, *(reading(text) for text in texts))
    assert found.text in {normalise(text, DOCUMENT.field(name)) for text in texts} | {""}


class Says:
    """A reader that always reads the same."""

    name = "says"

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, lines: object) -> list[LineReading]:
        return [reading(self._text)]


@pytest.mark.parametrize(
    ("other", "confidence", "outcome"),
    [
        ("A123456(3)", 0.5, Outcome.PASS),  # both engines agree
        ("G123456(A)", 0.99, Outcome.DOUBT),  # another valid number: a contradiction
        ("A12345", 0.99, Outcome.PASS),  # the second engine failed, the first was sure
        ("A12345", 0.5, Outcome.DOUBT),  # neither was
    ],
)
def test_the_second_reading(other: str, confidence: float, outcome: Outcome, document_frame: object) -> None:
    fields = {"number": FieldReading("A123456(3)", confidence, certain=True)}
    found = checks.second_reading(document_frame, fields, DOCUMENT, Says(other), POLICY)  # type: ignore[arg-type]
    assert found.outcome is outcome


def test_an_uncertain_number_cannot_be_assessed() -> None:
    fields = {"number": FieldReading("A123456(3)", 0.9, certain=False)}
    assert checks.check_digit(fields).status is Status.COULD_NOT_ASSESS
    assert checks.check_digit({}).status is Status.COULD_NOT_ASSESS


def test_a_wrong_check_digit_fails() -> None:
    fields = {"number": FieldReading("A123456(4)", 0.9, certain=True)}
    assert checks.check_digit(fields).outcome is Outcome.FAIL


def test_readings_do_not_show_in_representations() -> None:
    assert "A123456" not in repr(FieldReading("A123456(3)", 0.9, certain=True)) + repr(reading("A123456(3)"))
