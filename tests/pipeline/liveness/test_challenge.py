"""A challenge is random, follows from its nonce, always asks for something possible, and is safe to look at."""

import json
import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS, Action, Challenge, Options, draw
from idproof.pipeline.shown_colours import PALETTE

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADS = Options(eyelids=False, lips=False)
"""For a profile without networks of landmarks."""
options_of = st.builds(Options, **{name: st.booleans() for name in Options().to_json()})


@given(st.binary(min_size=16, max_size=64), options_of)
def test_a_challenge_follows_from_its_nonce_and_asks_only_for_possible_actions(nonce: bytes, options: Options) -> None:
    challenge = draw(nonce, issued_at=NOW, options=options)
    assert challenge == draw(nonce, issued_at=NOW, options=Options.from_json(options.to_json()))
    assert {step.action for step in challenge.steps} <= set(options.actions())
    assert bool(challenge.lights) != options.photosensitive
    # With fewer actions than usual the passive checks are stricter.
    assert challenge.strict or (len(challenge.steps) >= 3 and challenge.lights)
    parts = [*challenge.steps, *challenge.lights]
    assert all(one.end_ms == other.start_ms for one, other in pairwise(parts))
    assert all(one.action != other.action for one, other in pairwise(challenge.steps))
    times = challenge.capture_ms()
    assert list(times) == sorted(set(times))
    assert times[-1] <= challenge.duration_ms
    assert json.loads(json.dumps(challenge.to_json()))["capture_ms"] == list(times)


def test_nonces_give_every_sequence_about_equally_often() -> None:
    challenges = [draw(i.to_bytes(16, "big"), issued_at=NOW) for i in range(3000)]
    actions = Counter(tuple(step.action for step in c.steps) for c in challenges)
    assert len(actions) == 120
    assert max(actions.values()) < 3 * 3000 / 120
    colours = Counter(tuple(light.colour for light in c.lights) for c in challenges)
    assert len(colours) > 320


def test_actions_that_the_profile_cannot_see_are_never_asked_for() -> None:
    drawn = [draw(i.to_bytes(16, "big"), issued_at=NOW, options=HEADS) for i in range(3000)]
    actions = Counter(tuple(step.action for step in challenge.steps) for challenge in drawn)
    assert {action for sequence in actions for action in sequence} == {*Action} - {*FEATURE_ACTIONS}
    assert len(actions) == 80
    assert max(actions.values()) < 3 * 3000 / 80


def test_every_full_challenge_turns_the_head_and_moves_eyes_or_mouth() -> None:
    solid = {Action.TURN_LEFT, Action.TURN_RIGHT, Action.LOOK_UP, Action.LOOK_DOWN}
    for i in range(500):
        actions = {step.action for step in draw(i.to_bytes(16, "big"), issued_at=NOW).steps}
        assert actions & solid
        assert len(actions & {*FEATURE_ACTIONS}) == 1


@pytest.mark.parametrize(
    ("cannot", "asked"), [("cannot_blink", Action.OPEN_MOUTH), ("cannot_open_mouth", Action.BLINK)]
)
def test_who_cannot_do_one_is_asked_for_the_other_and_nothing_is_reduced(cannot: str, asked: Action) -> None:
    options = Options(**{cannot: True})
    assert options.reductions == ()
    for i in range(50):
        challenge = draw(i.to_bytes(16, "big"), issued_at=NOW, options=options)
        assert [step.action for step in challenge.steps if step.action in FEATURE_ACTIONS] == [asked]
        assert challenge.strength_bits > 14


def test_who_can_do_neither_is_asked_for_less() -> None:
    neither = Options(cannot_blink=True, cannot_open_mouth=True)
    assert neither.reductions == ("cannot_blink", "cannot_open_mouth")
    assert not replace(neither, eyelids=False, lips=False).reduces


def test_closed_eyes_of_half_a_second_are_in_two_frames() -> None:
    challenge = draw(bytes(16), issued_at=NOW, options=Options(cannot_open_mouth=True))
    (step,) = (step for step in challenge.steps if step.action is Action.BLINK)
    times = [at for at in challenge.capture_ms() if step.start_ms <= at < step.end_ms]
    for begins in range(step.start_ms + 520, step.start_ms + 1401, 20):  # after half a second, for slow readers too
        assert sum(begins <= at < begins + 500 for at in times) >= 2


@given(st.binary(min_size=16, max_size=32), options_of)
def test_the_strength_is_the_number_of_sequences(nonce: bytes, options: Options) -> None:
    challenge = draw(nonce, issued_at=NOW, options=options)
    heads, features = options.head_actions(), options.feature_actions()
    longest = 5 if options.photosensitive else 3
    count = longest - bool(features)
    rows = [seq for seq in product(heads, repeat=count) if all(a != b for a, b in pairwise(seq))]
    sequences = len(rows) if len(heads) > 1 else 1
    if features:
        sequences *= len(features) * len(challenge.steps)
    colours = 1 if options.photosensitive else 4 * 3 ** (len(challenge.lights) - 1)
    assert challenge.strength_bits == pytest.approx(math.log2(sequences * colours))


def luminance(colour: tuple[int, int, int]) -> float:
    """Returns the relative luminance of WCAG 2.2."""
    linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_light_is_safe_for_photosensitive_people() -> None:
    challenge = draw(bytes(range(16)), issued_at=NOW)
    for light in challenge.lights:
        # A flash is a pair of opposing changes: two changes of colour make one at most.
        within_a_second = [other for other in challenge.lights if 0 <= other.start_ms - light.start_ms < 1000]
        assert len(within_a_second) / 2 <= 3
    for colour in PALETTE:
        red, green, blue = colour
        assert red / (red + green + blue) < 0.8  # WCAG's saturated red
        assert luminance(colour) > 0.4


def test_a_response_counts_only_before_expiry() -> None:
    challenge: Challenge = draw(bytes(16), issued_at=NOW, lifetime_s=60)
    assert not challenge.expired(NOW + timedelta(seconds=60))
    assert challenge.expired(NOW + timedelta(seconds=61))
    assert challenge.expired(NOW - timedelta(seconds=1))


def test_an_invalid_nonce_time_or_option_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        draw(bytes(15), issued_at=NOW)
    with pytest.raises(ValueError, match="zone"):
        draw(bytes(16), issued_at=datetime(2026, 3, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="booleans"):
        Options.from_json({"cannot_turn": "yes"})
    with pytest.raises(ValueError, match="booleans"):
        Options.from_json({"cannot_smile": True})


def test_the_nonce_stays_out_of_logs() -> None:
    assert "nonce" not in repr(draw(bytes(16), issued_at=NOW))
