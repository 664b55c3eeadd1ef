"""Readings of several captures and readers are fused; only text that form and votes support is certain."""

from dataclasses import replace

import pytest
from field_readings import DOCUMENT, POLICY, engines, reading, resolved

from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import resolve_field

LONG = "VILLANUEVA-MONTEMAYOR, Maria Alejandrina"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((LONG.replace("ria", "ra"),) * 3, (LONG,) * 3),  # one engine loses a letter in every capture
        ((LONG.replace("nd", "nrd"),) * 3, (LONG,) * 3),  # or sees one that the other does not
        ((LONG,) * 3, (LONG.replace("dr", "d"),) * 3),
        ((LONG.replace("ria", "ra"),) * 2 + (LONG,), (LONG,) * 3),  # or in most captures
        ((LONG,) * 3, ("",) * 3),  # the other engine reads nothing
        ((LONG,) * 3, (LONG.replace("j", "y"),) * 3),  # or another letter
    ],
)
def test_engines_that_disagree_are_never_certain(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert not engines("english_name", first, second).certain


def test_a_letter_lost_in_one_capture_of_the_weaker_engine_is_outvoted() -> None:
    found = engines("english_name", (LONG,) * 3, (LONG, LONG, LONG.replace("j", "")))
    assert (found.text, found.certain) == (LONG, True)


def test_a_letter_lost_in_one_capture_is_outvoted_where_the_form_has_one_length() -> None:
    whole = ("01-02-1990",) * 3
    found = engines("date_of_birth", ("01-02-1990", "01-021990", "01-02-1990"), whole)
    assert (found.text, found.certain) == ("01-02-1990", True)
    assert not engines("english_name", (LONG, LONG.replace("ria", "ra"), LONG), (LONG,) * 3).certain
    assert not engines("date_of_birth", whole, ("01--02-1990",) * 3).certain
    assert not engines("number", ("AB987654(3)", "A987654(3)", "AB987654(3)"), ("AB987654(3)",) * 3).certain


def test_a_space_beside_a_lost_letter_stays_in_its_place() -> None:
    found = engines("english_name", ("ILLYES, lles", "ILLYES, lles", "ILLYES, Illes"), ("ILLYES, Illes",) * 3)
    assert (found.text, found.certain) == ("ILLYES, Illes", False)
    for lost in ("CHAN, Tai an", "CHAN, Ta Man"):
        assert engines("english_name", (lost, lost, "CHAN, Tai Man"), ("CHAN, Tai Man",) * 3).text == "CHAN, Tai Man"


def test_a_sign_that_the_form_forbids_counts_for_the_letter_it_looks_like() -> None:
    for sign, letter in ("£E", "$S", "¥Y", "2Z"):
        found = engines("number", (f"{letter}123456(3)",) * 3, (f"{sign}123456(3)",) * 3)
        assert (found.text, found.certain) == (f"{letter}123456(3)", True)
    assert not engines("number", ("E123456(3)",) * 3, ("F123456(3)",) * 3).certain


def test_two_captures_outvote_one_per_character() -> None:
    found = resolved("number", reading("A123456(3)"), reading("A128456(3)"), reading("A123456(8)"))
    assert (found.text, found.certain) == ("A123456(3)", True)


def test_one_reading_alone_is_never_certain() -> None:
    assert not resolved("number", reading("A123456(3)")).certain
    assert resolved("number", reading("A123456(3)"), reading("A123456(3)", 0.6)).certain
    assert resolved("number", reading("A123456(3)"), latin=(reading("A123456(3)", 0.9),)).certain


def test_a_tie_between_captures_is_reported_as_uncertain() -> None:
    found = resolved("number", reading("A123456(3)", 0.9), reading("A123458(3)", 0.9))
    assert not found.certain
    assert {(position, character) for position, character, _ in found.alternatives} <= {(6, "6"), (6, "8")}
    assert found.alternatives


def test_corrections_follow_the_form_and_are_reported() -> None:
    found = resolved("number", reading("A1Z3456(3)"), reading("A1Z3456(3)"), reading("A123456(3)"))
    assert found.text == "A123456(3)"
    assert [(c.position, c.read, c.taken, c.reason) for c in found.corrections] == [(2, "Z", "2", "form")]
    unsupported = resolved("number", reading("A1?3456(3)"), reading("A1?3456(3)"), reading("A1?3456(3)"))
    assert not unsupported.certain


def test_a_letter_in_place_of_a_digit_is_uncertain_when_no_digit_was_seen() -> None:
    found = resolved("date_of_birth", *(reading("O1-01-199W"),) * 3)
    assert not found.certain


def test_a_text_without_the_printed_form_is_never_certain() -> None:
    found = resolved("date_of_birth", *(reading("1990-01-01"),) * 3)
    assert not found.certain


def test_an_optional_field_may_be_blank_but_a_required_one_may_not() -> None:
    blank = (reading(""), reading(""), reading(""))
    assert resolved("chinese_name", *blank).certain
    assert resolved("chinese_name", reading("~", 0.3), reading(""), reading("")).text == ""
    assert not resolved("english_name", *blank).certain
    assert not resolved("chinese_name", reading("陳大文"), reading(""), reading("")).certain


def test_a_lost_space_is_taken_from_another_capture() -> None:
    found = resolved("english_name", reading("MOK, FuWan"), reading("MOK, Fu Wan", 0.6), reading("MOK,FuWan"))
    assert (found.text, found.certain) == ("MOK, Fu Wan", True)


def test_lost_and_added_characters_are_outvoted() -> None:
    assert resolved("issue_date", reading("05-02-24"), reading("05-0224"), reading("05--02-24")).text == "05-02-24"


def test_a_second_reading_of_one_capture_is_no_second_witness() -> None:
    spec, text = DOCUMENT.field("number"), reading("A123456(3)")
    once = WeightedReading(text, reader="first", capture=0)
    assert not resolve_field(fuse([once, once]), spec, POLICY).certain
    assert resolve_field(fuse([once, replace(once, capture=1)]), spec, POLICY).certain
    assert resolve_field(fuse([once, replace(once, reader="second")]), spec, POLICY).certain


def test_representations_do_not_show_the_text() -> None:
    weighted = [WeightedReading(reading("A123456(3)"))] * 2
    shown = repr(resolved("number", *(w.reading for w in weighted))) + repr(weighted) + repr(fuse(weighted))
    assert "A123456" not in shown
    assert "'6'" not in shown


def test_letters_read_from_the_pattern_leave_a_blank_field_blank() -> None:
    found = resolved("chinese_name", reading("JA", 0.9), reading("J", 0.9), reading("J", 0.9))
    assert (found.text, found.certain) == ("", True)
    noise = resolved("chinese_codes", reading("X", 0.7), reading("X", 0.5), reading(""), latin=(reading("SESS", 0.6),))
    assert (noise.text, noise.certain) == ("", True)
    assert not resolved("chinese_name", reading("陳大文"), reading("J"), reading("J")).certain


@pytest.mark.parametrize(
    "text",
    [
        "SURYANI",
        "MEGAWATI SUKARNO",
        "DE LOS SANTOS, Ma. Theresa",
        "REYES, Theresa Ma.",
        "ST. JOHN, Oliver",
        "O'NEILL, D'Arcy",
        "SMITH-JONES, Ann-Marie",
    ],
)
def test_single_names_and_full_stops_are_of_the_form(text: str) -> None:
    found = engines("english_name", (text,) * 3, (text,) * 3)
    assert (found.text, found.certain) == (text, True)


@pytest.mark.parametrize("text", ["LI Ming", "LI. Ming", "Suryani Li", ". LI", "LI,", "LI, .Ming", "LI, Ming, Ka"])
def test_a_lost_comma_is_no_single_name(text: str) -> None:
    assert not engines("english_name", (text,) * 3, (text,) * 3).certain


def test_one_engine_reading_a_surname_in_small_letters_does_not_divide_the_votes() -> None:
    found = engines("english_name", ("Li, Ming", "LiI, Ming", "Li, Ming"), ("LI, Ming",) * 3)
    assert (found.text, found.certain) == ("LI, Ming", True)
