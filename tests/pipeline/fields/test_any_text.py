"""Any text that a reader may return is resolved and parsed without an unexpected exception."""

import random

import pytest
from field_readings import DOCUMENT, reading, resolved
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.fields import grammar, hkid
from idproof.pipeline.fields.checks import dates
from idproof.pipeline.fields.fuse import WeightedReading, fuse

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
