"""The table of given-name characters: where it comes from, how it is spelt, how it is dealt."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idproof.datasets import names_table
from idproof.datasets.specimen import artwork, names
from idproof.pipeline.documents.commercial_codes import codes

UNICODE = Path("/usr/share/unicode")


def test_the_table_is_wide_and_every_character_can_be_printed_in_full() -> None:
    table = names.given()
    letters = artwork.font(True, 3.7)
    missing = bytes(letters.getmask("\U0010ffff"))
    assert len(table) >= 2200
    assert all(codes(character) for character in table)
    assert all(re.fullmatch("[A-Z][a-z]*", latin) for latin in table.values())
    assert all(bytes(letters.getmask(character)) != missing for character in table)
    # Simplified forms are not printed on these cards.
    assert not set("陈张黄刘郑杨叶邓许冯谢卢苏钟罗麦萧谭关温庞") & set(table)


@pytest.mark.parametrize(
    ("reading", "latin"),
    [
        *(("zoeng", "Cheung"), ("can", "Chan"), ("zang", "Tsang"), ("ceoi", "Tsui"), ("ze", "Tse"), ("zi", "Chi")),
        *(("gwok", "Kwok"), ("gaau", "Kau"), ("kwan", "Kwan"), ("jyun", "Yuen"), ("jyut", "Yuet"), ("jyu", "Yu")),
        *(("ji", "Yee"), ("jan", "Yan"), ("si", "Sze"), ("syut", "Suet"), ("seon", "Shun"), ("sin", "Sin")),
        *(("hou", "Ho"), ("dak", "Tak"), ("baak", "Pak"), ("pun", "Poon"), ("m", "Ng"), ("ng", "Ng"), ("ngo", "Ngo")),
    ],
)
def test_syllables_as_hong_kong_spells_them(reading: str, latin: str) -> None:
    assert names_table.romanise(reading) == latin


@pytest.mark.parametrize("reading", ["", "zh", "qing", "a1"])
def test_what_is_no_syllable_is_refused(reading: str) -> None:
    with pytest.raises(ValueError, match="not a syllable"):
        names_table.romanise(reading)


def properties(**changed: str) -> dict[str, str]:
    usual = {"kBigFive": "A1", "kHKGlyph": "1", "kTaiwanTelegraph": "0001", "kCantonese": "ming4", "kFrequency": "1"}
    return {name: value for name, value in (usual | changed).items() if value}


def test_a_row_needs_a_code_a_reading_and_a_place_in_the_hong_kong_tables() -> None:
    known = {
        "明": properties(kCantonese="ming4 mang4"),
        "陈": properties(kBigFive="", kHKGlyph=""),
        "乙": properties(kTaiwanTelegraph=""),
        "丙": properties(kCantonese=""),
        "鬼": properties(kDefinition="ghost; spirit of the dead"),
        "丁": properties(),
        "家": properties(kTaiwanTelegraph="", kMainlandTelegraph="1367", kCantonese="gaa1", kFrequency="2"),
    }
    assert names_table.rows(known, lambda character: character != "丁") == ["家\tKa\tgaa1", "明\tMing\tming4"]
    assert names_table.rows(known, lambda character: character != "丁", size=1) == ["明\tMing\tming4"]


@pytest.mark.skipif(
    not (UNICODE / "Unihan_Readings.txt.bz2").exists(), reason="the package unicode-data is not installed"
)
def test_the_committed_table_can_be_rebuilt(tmp_path: Path) -> None:
    names_table.main(UNICODE, tmp_path / "names.tsv")
    rebuilt = set((tmp_path / "names.tsv").read_text(encoding="utf-8").splitlines())
    committed = set(names._TABLE.read_text(encoding="utf-8").splitlines())
    assert len(rebuilt ^ committed) / len(committed) < 0.1  # another Unicode version corrects some


def test_four_hundred_people_cover_fifteen_hundred_characters() -> None:
    dealt = names.covering(400, 5)
    assert len(dealt) == 400
    assert len(set("".join(dealt))) >= 1500


@settings(max_examples=25)
@given(st.integers(1, 2500), st.integers(0, 2**31))
def test_names_are_dealt_evenly_and_repeatably(count: int, seed: int) -> None:
    dealt = names.covering(count, seed)
    assert dealt == names.covering(count, seed)
    assert len(dealt) == count
    assert {len(name) for name in dealt} <= {2, 3, 4}
    assert all(len(set(name)) == len(name) for name in dealt)
    assert len(set("".join(dealt))) == min(len(names.given()), len("".join(dealt)))


def test_another_seed_deals_other_names_and_nobody_gets_none() -> None:
    assert names.covering(5, 1) != names.covering(5, 2)
    assert names.covering(0, 1) == []
