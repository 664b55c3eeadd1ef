"""A challenge is random, follows from its nonce, always asks for something possible, and is safe to look at."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.liveness.challenge import PALETTE, Action, Challenge, Options, draw

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
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
    assert len(actions) == 80
    assert max(actions.values()) < 3 * 3000 / 80
    colours = Counter(tuple(light.colour for light in c.lights) for c in challenges)
    assert len(colours) > 320


def test_actions_that_the_profile_cannot_see_are_never_asked_for() -> None:
    seen = {step.action for i in range(200) for step in draw(i.to_bytes(16, "big"), issued_at=NOW).steps}
    assert seen == {*Action} - {Action.BLINK, Action.OPEN_MOUTH}
    able = Options(eyelids=True, lips=True)
    seen = {step.action for i in range(200) for step in draw(i.to_bytes(16, "big"), issued_at=NOW, options=able).steps}
    assert seen == {*Action}


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
