"""Names are held to Hong Kong's current character set, not to that of Python's codec."""

import pytest

from idproof.pipeline.documents import character_sets, load_builtin

ADDED = "悦税説脱兑鋭閲鿋"


@pytest.mark.parametrize("character", ADDED)
def test_characters_added_after_2004_are_printed(character: str) -> None:
    assert not character_sets.contains("big5hkscs", character)
    assert character_sets.contains("hkscs-2016", character)
    assert load_builtin().field("chinese_name").prints(character)


def test_the_set_of_2004_is_part_of_the_current_one_and_simplified_forms_are_not() -> None:
    assert all(character_sets.contains("hkscs-2016", character) for character in "陳大文悅𨋢㗎")
    assert not any(character_sets.contains("hkscs-2016", character) for character in "术说锐")


def test_forms_are_listed_both_ways() -> None:
    assert character_sets.added_forms("悦") == {"悅"}
    assert character_sets.added_forms("悅") == {"悦"}


def test_an_unknown_character_set_is_refused() -> None:
    assert character_sets.is_known("hkscs-2016")
    assert character_sets.is_known("big5")
    assert not character_sets.is_known("hkscs-3000")
