"""Signs and letters of a reading are unified, so that readers of the same ink do not divide the votes."""

import pytest
from field_readings import DOCUMENT, reading, resolved

from idproof.models.types import LineReading
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.read import normalise


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


def test_letters_dropped_as_repeated_keep_the_rest_in_step(document: DocumentType) -> None:
    read_as = LineReading("LiI, Al", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), ((("l", 0.01),),) * 7)
    found = normalise(read_as, document.field("english_name"))
    assert (found.text, found.confidences) == ("LI, Al", (0.1, 0.3, 0.4, 0.5, 0.6, 0.7))
    assert found.alternatives == ((("I", 0.01),),) * 2 + ((("l", 0.01),),) * 2 + ((("I", 0.01),), (("l", 0.01),))


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
