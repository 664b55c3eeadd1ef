"""A card follows the colours; another sequence, a tint, glass and a card in a bright room do not."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lit_answers import card, display, frames, tinted

from idproof.pipeline.card.screen_light import check, draw, measure
from idproof.pipeline.card.screen_light.judging import FOLLOWS, LEAST_PRINT, MOST_UNSEEN
from idproof.pipeline.shown_colours import LAGS_MS, screen_chroma
from idproof.pipeline.types import Outcome, Status

LIGHT = draw(bytes(range(32)))


@settings(max_examples=25)
@given(st.binary(min_size=16, max_size=16), st.sampled_from(LAGS_MS))
def test_a_card_passes_at_every_lag_of_a_camera(nonce: bytes, lag: float) -> None:
    light = draw(nonce)
    found = check(measure(frames(light, card, lag_ms=lag), light))
    assert (found.outcome, found.reason) == (Outcome.PASS, None)
    assert found.value is not None
    assert found.value > 0.95


def test_a_card_far_from_the_screen_passes_while_its_answer_exceeds_the_noise() -> None:
    far = partial(card, near=0.06, far=0.05)
    assert check(measure(frames(LIGHT, far), LIGHT)).outcome is Outcome.PASS
    found = check(measure(frames(LIGHT, far, noise=0.05), LIGHT))
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_too_weak")


def test_the_answer_of_another_session_does_not_pass() -> None:
    recorded = frames(draw(bytes(32)), card)
    assert check(measure(recorded, LIGHT)).outcome is not Outcome.PASS


def test_a_tint_over_the_whole_picture_is_no_answer() -> None:
    found = check(measure(frames(LIGHT, tinted), LIGHT))
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_too_weak")


def test_exchanged_sides_are_no_answer() -> None:
    mirrored = frames(LIGHT, lambda left, right: card(right, left))
    assert check(measure(mirrored, LIGHT)).outcome is not Outcome.PASS


def test_glass_that_mirrors_the_screen_before_a_picture_is_in_doubt() -> None:
    found = check(measure(frames(LIGHT, display), LIGHT))
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "card_light_mirrored")


def test_a_print_that_answers_less_than_the_glass_before_it_is_in_doubt() -> None:
    def behind_glass(left: tuple[int, int, int], right: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        whole = card(left, right)[0]
        return 1 + (whole - 1) * LEAST_PRINT * 0.8, whole

    found = check(measure(frames(LIGHT, behind_glass), LIGHT))
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "card_light_mirrored")


@pytest.mark.parametrize("hidden", [0, MOST_UNSEEN, MOST_UNSEEN + 2])
def test_moments_without_a_frame(hidden: int) -> None:
    # At the longest lag a frame still shows a moment whose own frames are hidden.
    found = check(measure(frames(LIGHT, card, hidden=tuple(range(1, 1 + hidden)), lag_ms=0.0), LIGHT))
    if hidden <= MOST_UNSEEN:
        assert found.outcome is Outcome.PASS
    else:
        assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_not_seen")


def test_nothing_that_was_not_shown_is_assessed() -> None:
    found = check(None)
    assert (found.status, found.score, found.reason) == (Status.COULD_NOT_ASSESS, None, "card_light_not_seen")


@pytest.mark.parametrize(("moments", "at_most"), [(8, 1 / 2000), (7, 1 / 800)])
def test_another_sequence_is_taken_for_the_one_drawn_as_rarely_as_the_docs_say(moments: int, at_most: float) -> None:
    rng, tries = np.random.default_rng(3), 40_000
    shown = np.array(
        [
            [screen_chroma(each.left) - screen_chroma(each.right) for each in draw(rng.bytes(16)).lights[:moments]]
            for _ in range(300)
        ]
    )
    shown = shown - shown.mean(axis=1, keepdims=True)
    flat = shown.reshape(len(shown), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    products = (flat @ flat.T)[np.triu_indices(len(flat), 1)][:tries]
    assert 0 < (products >= FOLLOWS).mean() <= at_most
