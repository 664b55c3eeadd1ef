"""The colours of a card's light: drawn from the nonce alone, never one colour on both halves, and safe to look at."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.card.screen_light import draw
from idproof.pipeline.card.screen_light.drawing import MOMENTS
from idproof.pipeline.shown_colours import PALETTE


@given(st.binary(min_size=16, max_size=64))
def test_halves_and_neighbouring_pairs_differ(nonce: bytes) -> None:
    light = draw(nonce)
    pairs = [(each.left, each.right) for each in light.lights]
    assert len(pairs) == MOMENTS
    assert all(left != right for left, right in pairs)
    assert all(one != other for one, other in pairwise(pairs))
    assert {colour for pair in pairs for colour in pair} <= set(PALETTE)
    assert draw(nonce) == light


@given(st.binary(min_size=16, max_size=16))
def test_no_half_changes_more_than_twice_within_a_second(nonce: bytes) -> None:
    light = draw(nonce)
    for each in light.lights:
        later = [other for other in light.lights if 0 <= other.start_ms - each.start_ms < 1000]
        assert len(later) <= 2, "a flash is a pair of opposing changes (WCAG 2.2, 2.3.1)"


def test_another_nonce_gives_other_colours() -> None:
    assert len({draw(bytes([value]) * 16).lights for value in range(200)}) == 200


def test_it_says_how_many_sequences_there_are() -> None:
    assert draw(bytes(16)).drawn_bits == pytest.approx(math.log2(12 * 11**7))


def test_every_moment_has_its_pair_and_no_other_time_has_one() -> None:
    light = draw(bytes(16))
    assert [light.index_at(600.0 * i) for i in range(MOMENTS)] == list(range(MOMENTS))
    assert (light.index_at(-1), light.index_at(light.duration_ms)) == (None, None)


def test_a_device_gets_times_and_colours_and_no_nonce() -> None:
    message = draw(bytes(16)).to_json()
    assert message.keys() == {"duration_ms", "lights"}
    assert message["lights"][0].keys() == {"left", "right", "start_ms", "end_ms"}


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        draw(bytes(15))
