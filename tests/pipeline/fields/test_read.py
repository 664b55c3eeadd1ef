"""Readings of several captures and readers are fused; only text that form and votes support is certain."""

import random
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from idproof.models.types import LineReading, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.fields import grammar, hkid
from idproof.pipeline.fields.checks import dates
from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import Readers, normalise, read, resolve_field
from idproof.pipeline.types import CARD_ROLES, FieldReading

DOCUMENT = load_builtin()
POLICY = Policy()


def reading(text: str, confidence: float = 0.99) -> LineReading:
    return LineReading(text, (confidence,) * len(text))


def resolved(name: str, *readings: LineReading, latin: tuple[LineReading, ...] = ()) -> FieldReading:
    spec = DOCUMENT.field(name)
    weighted = [WeightedReading(normalise(r, spec)) for r in readings] + [
        WeightedReading(normalise(r, spec), 0.5) for r in latin
    ]
    return resolve_field(fuse(weighted), spec, POLICY)


def engines(name: str, first: tuple[str, ...], second: tuple[str, ...], confidence: float = 0.9) -> FieldReading:
    """Resolves the readings of two engines, one reading per capture each."""
    spec = DOCUMENT.field(name)
    weighted = [
        WeightedReading(normalise(reading(text, confidence), spec), weight, reader)
        for reader, weight, texts in (("first", 1.0, first), ("second", 0.5, second))
        for text in texts
    ]
    return resolve_field(fuse(weighted), spec, POLICY)


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


@pytest.mark.parametrize(
    ("name", "seen", "printed"),
    [
        ("number", "a123456（3）", "A123456(3)"),
        ("chinese_codes", "711511292429", "7115 1129 2429"),
        ("sex", "女F", "女 F"),
        ("english_name", "CHAN,Tai Man", "CHAN, Tai Man"),
        ("chinese_name", "陳 大文", "陳大文"),
        ("date_of_birth", "01–02—1990", "01-02-1990"),
        ("symbols", "＊＊＊AZ", "***AZ"),
    ],
)
def test_look_alike_punctuation_is_unified(name: str, seen: str, printed: str) -> None:
    assert resolved(name, reading(seen), reading(seen)).text == printed


class Says:
    """A reader of given texts, line after line; then of blank lines."""

    def __init__(self, name: str, *texts: list[str]) -> None:
        self.name, self.asked, self.lines = name, [], []
        self._texts = chain(*texts)

    def read(self, lines: list[RGBImage]) -> list[LineReading]:
        self.asked.append(len(lines))
        self.lines += lines
        return [reading(next(self._texts, "")) for _ in lines]


def test_blank_fields_are_read_in_every_capture_and_once_more(document_frame: RGBImage) -> None:
    """Only Latin letters and digits are for the Latin reader; blank lines are unclear where a card has a text."""
    frames = dict.fromkeys(CARD_ROLES, document_frame)
    both, latin = Says("both"), Says("latin")
    read(frames, DOCUMENT, Readers(both, latin), POLICY)
    own = [spec for spec in DOCUMENT.fields if spec.script in ("latin", "digits")]
    assert (
        sum(both.asked[:2]) == 3 * len(DOCUMENT.fields) - 2
    )  # no code on the first capture, and none on the same others
    # A card may have no Chinese name, and a blank line of codes says that it has none.
    assert both.asked[2:] == [3 * sum(spec.required for spec in DOCUMENT.fields)]
    assert sum(latin.asked[:2]) == 3 * len(own) - 2
    assert latin.asked[2:] == [3 * sum(spec.required for spec in own)]


DATE = ["01-02-1990"]


def printed(text: str) -> RGBImage:
    """Returns a frame of the document with a date of birth."""
    left, top, _, _ = DOCUMENT.field("date_of_birth").box.pixels(DOCUMENT.px_per_mm)
    frame = Image.new("RGB", DOCUMENT.size_px, "white")
    font = ImageFont.load_default(size=36)
    ImageDraw.Draw(frame).text((left, top), text, font=font, fill="black")
    return np.asarray(frame)


def read_date(
    texts: tuple[str, str, str], both: Says, latin: Says, *, suffices: bool = True
) -> tuple[FieldReading, list[int], list[int]]:
    """Reads three captures of a card that has a date of birth alone."""
    frames = dict(zip(CARD_ROLES, map(printed, texts), strict=True))
    document = replace(DOCUMENT, fields=(DOCUMENT.field("date_of_birth"),))
    found = read(frames, document, Readers(both, latin), POLICY, lambda _: suffices)
    return found["date_of_birth"], both.asked, latin.asked


def test_a_field_that_both_readers_read_alike_is_read_in_one_capture() -> None:
    found, both, latin = read_date((*DATE,) * 3, Says("both", DATE), Says("latin", DATE))
    assert (found.text, found.certain) == (*DATE, True)
    assert (both, latin) == ([1], [1])


def test_the_second_reader_must_read_it_too() -> None:
    found, both, latin = read_date((*DATE,) * 3, Says("both", DATE * 6), Says("latin"))
    assert not found.certain
    assert (sum(both), sum(latin)) == (6, 6), "in all captures, and once more"


@pytest.mark.parametrize("edited", ["01-02-1998", "01-02-199", "01-02-1990."])
@pytest.mark.parametrize("capture", [0, 1, 2])
def test_a_field_that_is_edited_in_one_capture_is_read_in_all(edited: str, capture: int) -> None:
    texts = [*DATE * 3]
    texts[capture] = edited
    _, both, latin = read_date((texts[0], texts[1], texts[2]), Says("both", DATE * 3), Says("latin", DATE * 3))
    assert (both, latin) == ([1, 2], [1, 2])


def test_fields_that_speak_against_the_card_are_read_in_all_captures() -> None:
    same = (*DATE,) * 3
    _, both, latin = read_date(same, Says("both", DATE * 3), Says("latin", DATE * 3), suffices=False)
    assert (both, latin) == ([1, 2], [1, 2])


def test_readers_that_disagree_on_a_space_are_asked_again() -> None:
    document = replace(DOCUMENT, fields=(DOCUMENT.field("english_name"),))
    frames = dict.fromkeys(CARD_ROLES, printed(""))
    lost, whole = ["LUI, ChiPut"] * 3, ["LUI, Chi Put"] * 3
    both, latin = Says("both", lost), Says("latin", whole)
    found = read(frames, document, Readers(both, latin), POLICY)["english_name"]
    assert (found.text, found.certain) == ("LUI, Chi Put", True)
    assert (both.asked, latin.asked) == ([3], [1, 2])


def read_name(first: list[str], again: list[str], latin: list[str], frame: RGBImage) -> tuple[FieldReading, Says]:
    """Reads a card of one name, three captures at once, again where it is unclear; `latin` is read both times."""
    both, other = Says("both", first, again), Says("latin", latin, latin)
    document = replace(DOCUMENT, fields=(DOCUMENT.field("english_name"),))
    return read(dict.fromkeys(CARD_ROLES, frame), document, Readers(both, other), POLICY)["english_name"], both


def test_a_field_that_is_unclear_is_read_again_without_the_colours_of_the_print(document_frame: RGBImage) -> None:
    frame = np.random.default_rng(1).integers(0, 256, document_frame.shape, dtype=np.uint8)
    name = ["POON, Yee Tiu"] * 3
    found, both = read_name(["POON, Yee Tiu1", *name[1:]], name, name, frame)
    assert (found.text, found.certain) == (name[0], True)
    assert both.asked == [3, 3]
    for once, twice in zip(both.lines[:3], both.lines[3:], strict=True):
        np.testing.assert_array_equal(twice, np.repeat(once.max(axis=2)[..., None], 3, axis=2))
    still = read_name(["POON, Yee Tiu1", *name[1:]], ["POON, Yee Tiu1", *name[1:]], name, frame)[0]
    assert not still.certain


def test_a_second_reading_does_not_outvote_one_of_another_length(document_frame: RGBImage) -> None:
    """Readers lose a stroke of `Illya` again and again; that one reading saw it is the only sign of it."""
    lost = ["ILIC, Ilya"] * 3
    assert not read_name(["ILIC, Illya", *lost[1:]], lost, lost, document_frame)[0].certain
    assert not read_name(lost, lost, ["ILIC, Illya"] * 2 + ["ILIC, Ilya"], document_frame)[0].certain


def test_a_second_reading_of_one_capture_is_no_second_witness() -> None:
    spec, text = DOCUMENT.field("number"), reading("A123456(3)")
    once = WeightedReading(text, reader="first", capture=0)
    assert not resolve_field(fuse([once, once]), spec, POLICY).certain
    assert resolve_field(fuse([once, replace(once, capture=1)]), spec, POLICY).certain
    assert resolve_field(fuse([once, replace(once, reader="second")]), spec, POLICY).certain


NAMES = [spec.name for spec in DOCUMENT.fields]


@given(st.sampled_from(NAMES), st.lists(st.text(max_size=24), min_size=1, max_size=6))
def test_any_texts_are_resolved_without_an_exception(name: str, texts: list[str]) -> None:
    found = resolved(name, *(reading(text) for text in texts))
    if found.certain and found.text:
        assert grammar.has_form(found.text, DOCUMENT.field(name))


@given(st.lists(st.text("A1B8", max_size=8), min_size=3, max_size=5))
def test_votes_sum_to_one(texts: list[str]) -> None:
    for place in fuse([WeightedReading(reading(text)) for text in texts]).votes:
        assert sum(place.values()) == pytest.approx(1.0)


@given(st.text("AB12", min_size=1, max_size=10), st.integers(1, 4))
def test_equal_readings_give_the_same_text(text: str, copies: int) -> None:
    fused = fuse([WeightedReading(reading(text))] * copies)
    assert fused.text == text
    assert all(count == copies for count in fused.supporters)


def parse_everything(text: str) -> None:
    """Runs every parser of the fields; each may only return or raise ValueError."""
    hkid.is_valid(text)
    for name in NAMES:
        resolved(name, reading(text), reading(text[::-1]))
    dates.parse_all(dict.fromkeys(NAMES, text), DOCUMENT, dates.date(2024, 1, 1))


@given(st.text(max_size=30))
def test_parsers_raise_only_value_errors(text: str) -> None:
    parse_everything(text)


@pytest.mark.long
def test_parsers_survive_a_hundred_thousand_random_strings() -> None:
    rng = random.Random(20181126)
    alphabet = "0123456789-()*,ACRUZXWOBNLM 男女陳大文（）－\u0000\U0001f600é" + "".join(map(chr, range(0x300, 0x310)))
    for _ in range(100_000):
        parse_everything("".join(rng.choices(alphabet, k=rng.randrange(0, 16))))


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
    ("read_as", "printed"),
    [
        ("CHOl, Sik Lik", "CHOI, Sik Lik"),
        ("lP, Ka Hil", "IP, Ka Hil"),
        ("LA|, Ka", "LAI, Ka"),
        ("HP-111111", "HP-111111"),
    ],
)
def test_an_upright_stroke_among_capitals_is_an_i(document: DocumentType, read_as: str, printed: str) -> None:
    """One reader writes l, another I for the same ink; as two characters they would split the votes."""
    spec = document.field("english_name")
    tidied = normalise(LineReading(read_as, (0.9,) * len(read_as)), spec)
    assert tidied.text == printed


@pytest.mark.parametrize(
    ("read_as", "printed"),
    [
        ("Li, Ming", "LI, Ming"),
        ("LiI, Ning", "LI, Ning"),
        ("LIi, Ning", "LI, Ning"),
        ("HIILI, Niilo", "HIILI, Niilo"),
        ("Smith, Jo", "SMITH, Jo"),
        ("TAIT, lain", "TAIT, Iain"),
        ("HO, |", "HO, I"),
        ("GORE, Al", "GORE, Al"),
        ("LI, Yat Long lan", "LI, Yat Long Ian"),
        ("CRUZ, Maria de la Paz", "CRUZ, Maria de la Paz"),
        ("MAK, TO", "MAK, To"),
        ("MAK, TO WU", "MAK, To Wu"),
        ("WONG, Sau ZOO", "WONG, Sau Zoo"),
        ("COX, McCoy", "COX, McCoy"),
        ("CHAN, TK", "CHAN, TK"),
        ("SMITH, ANNO", "SMITH, ANNO"),
        ("SURYANl", "SURYANI"),
        ("O‘NEILL, Liam", "O'NEILL, Liam"),
        ("SMITH‑JONES, Ann−Marie", "SMITH-JONES, Ann-Marie"),
    ],
)
def test_capitals_are_those_of_the_grammar(document: DocumentType, read_as: str, printed: str) -> None:
    """Before the comma, and first in the given names, a stroke or a small letter is a capital; elsewhere it is not."""
    spec = document.field("english_name")
    assert normalise(LineReading(read_as, (0.9,) * len(read_as)), spec).text == printed


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


def test_letters_dropped_as_repeated_keep_the_rest_in_step(document: DocumentType) -> None:
    read_as = LineReading("LiI, Al", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), ((("l", 0.01),),) * 7)
    found = normalise(read_as, document.field("english_name"))
    assert (found.text, found.confidences) == ("LI, Al", (0.1, 0.3, 0.4, 0.5, 0.6, 0.7))
    assert found.alternatives == ((("I", 0.01),),) * 2 + ((("l", 0.01),),) * 2 + ((("I", 0.01),), (("l", 0.01),))


def test_one_engine_reading_a_surname_in_small_letters_does_not_divide_the_votes() -> None:
    found = engines("english_name", ("Li, Ming", "LiI, Ming", "Li, Ming"), ("LI, Ming",) * 3)
    assert (found.text, found.certain) == ("LI, Ming", True)


@pytest.mark.parametrize(
    ("read_as", "printed"),
    [
        ("E£627512(9)", "E627512(9)"),
        ("£E627512(9)", "E627512(9)"),
        ("£627512(9)", "£627512(9)"),
        ("EE627512(9)", "EE627512(9)"),
        ("S$627512(9)", "S627512(9)"),
    ],
)
def test_a_currency_sign_beside_its_letter_is_the_same_letter(read_as: str, printed: str) -> None:
    """One reader writes both for one letter; a number may have two letters, so that the sign would count as one."""
    assert normalise(reading(read_as), DOCUMENT.field("number")).text == printed
    assert normalise(reading("A$500"), DOCUMENT.field("english_name")).text == "A$500"


def test_a_number_keeps_its_ones(document: DocumentType) -> None:
    text = "A111111(1)"
    assert normalise(LineReading(text, (0.9,) * len(text)), document.field("number")).text == text
