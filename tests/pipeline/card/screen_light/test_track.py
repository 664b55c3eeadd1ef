"""One showing: asked for, begun, seen to its end without a pause, or asked for again, and at last given up."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from lit_answers import card, display, frames

from idproof.pipeline.card.screen_light import LightState, LightTrack, LitFrame, draw
from idproof.pipeline.card.screen_light.track import LONGEST_GAP_S, LONGEST_WAIT_S, MOST_ASKED
from idproof.pipeline.types import Outcome, Status

LIGHT = draw(bytes(range(16)))


def shown(track: LightTrack, answer: object = card, start_s: float = 10.0) -> float:
    """Shows the light once; returns the time of the last frame."""
    track.ask(LIGHT, start_s)
    assert track.begin(start_s + 0.3)
    last = start_s
    for frame in frames(LIGHT, answer, before_ms=300.0, after_ms=500.0):  # type: ignore[arg-type]
        last = start_s + 0.3 + frame.at_ms / 1000
        track.add(LitFrame(last * 1000, frame.contrast, frame.level))
    return last


def test_a_card_that_is_seen_to_the_end_answers() -> None:
    track = LightTrack()
    shown(track)
    assert (track.state, track.done, track.check().outcome) == (LightState.ANSWERED, True, Outcome.PASS)


def test_a_display_is_in_doubt_and_is_not_asked_again() -> None:
    track = LightTrack()
    shown(track, display)
    assert (track.state, track.check().outcome) == (LightState.ANSWERED, Outcome.DOUBT)


@pytest.mark.parametrize("when_s", [0.2, 2.0, 5.0])
def test_a_card_that_is_away_on_the_way_is_lit_again(when_s: float) -> None:
    track = LightTrack()
    track.ask(LIGHT, 0.0)
    track.begin(0.1)
    for frame in frames(LIGHT, card):
        if frame.at_ms / 1000 < when_s:
            track.add(LitFrame(frame.at_ms + 100, frame.contrast, frame.level))
    track.miss(when_s + LONGEST_GAP_S + 0.3)
    assert (track.state, track.running) == (LightState.IDLE, False)
    assert track.check().status is Status.COULD_NOT_ASSESS


def test_a_card_that_is_away_between_the_light_and_the_still_is_lit_again() -> None:
    track = LightTrack()
    last = shown(track)
    track.miss(last + LONGEST_GAP_S - 0.01)
    assert track.done
    track.miss(last + LONGEST_GAP_S + 0.01)
    assert (track.state, track.check().reason) == (LightState.IDLE, "card_light_not_seen")


def test_a_card_that_is_away_after_the_stills_has_answered() -> None:
    track = LightTrack()
    last = shown(track)
    track.close()
    track.miss(last + 60)
    assert (track.state, track.check().outcome) == (LightState.CLOSED, Outcome.PASS)


def test_nobody_is_asked_for_ever() -> None:
    track, at = LightTrack(), 0.0
    for asked in range(1, MOST_ASKED + 1):
        track.ask(LIGHT, at)
        at += LONGEST_WAIT_S + 1
        track.miss(at)
        assert track.state is (LightState.GIVEN_UP if asked == MOST_ASKED else LightState.IDLE)
    assert track.done
    assert track.check().reason == "card_light_not_seen"
    with pytest.raises(ValueError, match="given up"):
        track.ask(LIGHT, at)


def test_colours_that_nobody_asked_for_do_not_begin() -> None:
    track = LightTrack()
    assert not track.begin(0.0)
    track.ask(LIGHT, 5.0)
    assert not track.begin(4.9), "before the request"
    assert not track.begin(5.1 + LONGEST_WAIT_S), "too late"
    assert track.begin(5.2)
    assert not track.begin(5.3), "they began already"


def test_a_device_that_never_begins_is_asked_again() -> None:
    track = LightTrack()
    track.ask(LIGHT, 0.0)
    for i in range(1, 40):
        track.add(frames(LIGHT, card)[0].__class__(i * 100.0, *card((255, 255, 255), (255, 255, 255))))
    assert (track.state, track.asked) == (LightState.IDLE, 1)


@settings(max_examples=30, stateful_step_count=30)
class Tracks(RuleBasedStateMachine):
    """Messages of a device in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.track, self.at_s = LightTrack(), 0.0

    @rule(wait=st.floats(-1, 4))
    def see(self, wait: float) -> None:
        self.at_s += wait
        self.track.add(LitFrame(self.at_s * 1000, *card((255, 176, 150), (150, 190, 255))))

    @rule(wait=st.floats(0, 1))
    def miss(self, wait: float) -> None:
        self.at_s += wait
        self.track.miss(self.at_s)

    @rule()
    def ask(self) -> None:
        if self.track.state is LightState.IDLE:
            self.track.ask(LIGHT, self.at_s)

    @rule(wait=st.floats(-1, 4))
    def begin(self, wait: float) -> None:
        began = self.track.begin(self.at_s + wait)
        assert not began or self.track.state is LightState.SHOWING

    @invariant()
    def holds(self) -> None:
        assert self.track.asked <= MOST_ASKED
        found = self.track.check()
        assert found.outcome is not Outcome.PASS, "one colour that stays answers no sequence"
        assert self.track.state is LightState.ANSWERED or found.reason == "card_light_not_seen"


test_tracks = Tracks.TestCase
