"""A Chinese name is certain only if the commercial codes printed beside it confirm what was read."""

import pytest

from idproof.models.types import LineReading
from idproof.pipeline import Policy
from idproof.pipeline.documents import commercial_codes, load_builtin
from idproof.pipeline.fields.chinese_name import resolve_name
from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import resolve_field, resolve_fields
from idproof.pipeline.types import FieldReading

DOCUMENT = load_builtin()
POLICY = Policy()


def reading(text: str, confidence: float = 0.99) -> LineReading:
    return LineReading(text, (confidence,) * len(text))


def named(codes: str, *texts: str, alternatives: dict[int, tuple[str, float]] | None = None) -> FieldReading:
    places = tuple((((alternatives or {})[i],) if i in (alternatives or {}) else ()) for i in range(len(texts[0])))
    weighted = [
        WeightedReading(LineReading(text, (0.9,) * len(text), places if text == texts[0] else ())) for text in texts
    ]
    fused = fuse(weighted)
    return resolve_name(
        fused, resolve_field(fused, DOCUMENT.field("chinese_name"), POLICY), codes, DOCUMENT.field("chinese_name")
    )


def test_a_name_that_its_codes_do_not_confirm_is_uncertain() -> None:
    """The one reader of Chinese takes 𣊬 for 瞬 in every capture, or leaves out a character that it does not know."""
    assert named("7115 1129 2429", "陳大文", "陳大文", "陳大文").certain
    assert not named("7115 8399 2429", "陳粒文", "陳粒文", "陳粒文").certain
    assert not named("7115 1129 2429", "陳文", "陳文", "陳文").certain
    assert not named("7115 1129", "", "", "").certain


def test_a_name_whose_codes_are_uncertain_is_uncertain() -> None:
    readings = {spec.name: [WeightedReading(LineReading("", ()))] for spec in DOCUMENT.fields}
    readings["chinese_name"] = [WeightedReading(reading("陳大文"))] * 3
    for captures, certain in ((3, True), (1, False)):
        readings["chinese_codes"] = [WeightedReading(reading("711511292429"))] * captures
        assert resolve_fields(readings, DOCUMENT, POLICY)["chinese_name"].certain is certain


def test_a_form_that_the_issuer_does_not_print_is_replaced_by_the_printed_one() -> None:
    """Readers take 朮 for 术; both have the code 2611, but the issuer's character set has only the first."""
    found = named("7115 2611", "陳术", "陳术", "陳术")
    assert (found.text, found.certain) == ("陳朮", True)
    assert [(c.read, c.taken, c.reason) for c in found.corrections] == [("术", "朮", "code")]


def test_a_character_outside_of_the_issuers_set_is_never_certain() -> None:
    assert not named("7115 0000", "陳术", "陳术", "陳术").certain


@pytest.mark.parametrize(
    ("seen", "other", "share", "taken", "certain"),
    [
        ("黄", "黃", 0.1, "黃", True),  # readers lean towards simplified forms
        ("黄", "黃", 0.01, "黄", True),  # this one is unmistakable
        ("黃", "黄", 0.4, "黃", True),
        ("朵", "朶", 0.2, "朵", False),  # neither is simplified: only eyes tell, and they do not
        ("朵", "朶", 0.01, "朵", True),
    ],
)
def test_forms_of_one_code_need_a_majority(seen: str, other: str, share: float, taken: str, certain: bool) -> None:
    code = commercial_codes.codes(seen)[0]
    found = named(f"{code} 1129", *(f"{seen}大",) * 3, alternatives={0: (other, share)})
    assert (found.text, found.certain) == (f"{taken}大", certain)


@pytest.mark.parametrize(
    ("code", "seen", "other", "share", "taken", "certain"),
    [
        ("1878", "悦", "悅", 0.04, "悦", True),  # compared, and always told apart
        ("1878", "悅", "悦", 0.15, "悅", True),
        ("1878", "悅", "悦", 0.7, "悅", False),
        ("0345", "兑", "兌", 0.13, "兑", True),  # a simplified form by Unihan, but printed
        ("6141", "說", "説", 0.006, "說", True),  # the reader takes 説 for 說
        ("6141", "說", "説", 0.06, "說", False),
        ("6904", "銳", "鋭", 0.007, "銳", False),
        ("7048", "閱", "閲", 0.14, "閱", False),
        ("3053", "氲", "氳", 0.04, "氳", False),  # not compared: nearly all votes are needed
    ],
)
def test_forms_added_to_the_character_set_need_the_share_that_renderings_showed(
    code: str, seen: str, other: str, share: float, taken: str, certain: bool
) -> None:
    found = named(f"{code} 1129", *(f"{seen}大",) * 3, alternatives={0: (other, share)})
    assert (found.text, found.certain) == (f"{taken}大", certain)


def test_a_form_with_its_own_code_stays_as_read() -> None:
    assert named("7115 1496", "陳峰", "陳峰").text == "陳峰"
    assert named("7115 1496", "陳峯", "陳峯").text == "陳峯"


def test_a_code_decides_only_between_characters_that_were_seen() -> None:
    torn = named("7115 1129 2429", "陳太文", "陳太文", alternatives={1: ("大", 0.4)})
    assert torn.text == "陳大文"
    assert named("7115 1129 2429", "陳小文", "陳小文").text == "陳小文"


def test_a_code_distinguishes_forms_with_codes_of_their_own() -> None:
    """余 and 予 are variants in Unihan, each with its own code: the code says which one is printed."""
    assert named("7115 0151", "陳予", "陳予", alternatives={1: ("余", 0.01)}).text == "陳余"
    assert named("7115 0056", "陳予", "陳予").text == "陳予"
