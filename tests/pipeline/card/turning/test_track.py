"""The track of a session: what breaks a way, what links it again, and that nobody is asked for ever."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from idproof.pipeline.card.plan import CardPose
from idproof.pipeline.card.turning import LegMeasures, TurnFrame, TurnMeter, TurnTrack, judging
from idproof.pipeline.card.turning.track import LEAST_SAME, LONGEST_ASKED_S, LONGEST_GAP_S, MOST_ASKED, MOST_FRAMES
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.types import Status

FRONT, LEFT = CardPose(0.0, 0.0, 0.55), CardPose(19.0, 0.0, 0.55)
PLACE = CardView(np.eye(3), (480, 270), 100, 0.1, 3.0)
SEEN = LegMeasures(0.1, 0.2)


def frame(at_s: float, same: float | None = 0.9) -> TurnFrame:
    return TurnFrame(at_s, PLACE, 0.0, (), same)


@pytest.fixture
def track(document: DocumentType, monkeypatch: pytest.MonkeyPatch) -> TurnTrack:
    """After the first capture, where a way of ten frames is enough."""
    monkeypatch.setattr(judging, "measure", lambda frames, *_: SEEN if len(frames) >= 10 else None)
    made = TurnTrack(TurnMeter.open(document))
    made.add(frame(0.0), FRONT)
    assert made.require_seen(0.0, ()), "the first capture has no way"
    made.end_leg("card_front", FRONT)
    return made


def go(track: TurnTrack, start_s: float, count: int, pose: CardPose = LEFT, same: float | None = 0.9) -> float:
    for i in range(count):
        track.add(frame(start_s + i / 10, same), pose)
    return start_s + count / 10


def test_a_way_that_was_seen_counts(track: TurnTrack) -> None:
    at = go(track, 0.1, 12)
    assert track.wanted(LEFT) == LEFT
    assert track.require_seen(at, ())
    track.end_leg("card_tilt_left", LEFT)
    assert track.check(1).status is Status.ASSESSED
    assert track.check(2).reason == "card_turn_not_seen"
    assert track.frames == 1, "the next way begins at the last still"


@pytest.mark.parametrize("away", ["gone", "another card"])
def test_a_card_that_was_away_is_led_back_to_the_last_capture(track: TurnTrack, away: str) -> None:
    at = go(track, 0.1, 12)
    back = at + LONGEST_GAP_S + 0.1
    if away == "gone":
        track.miss(back)
    else:
        track.add(frame(back, LEAST_SAME - 0.01), LEFT)
    assert (track.wanted(LEFT), track.asked_at_s, track.frames) == (FRONT, back, 0)
    go(track, back + 0.1, 20)
    assert track.frames == 0, "not from there"
    assert not track.require_seen(back + 2.2, ())
    at = go(track, back + 3, 1, FRONT)
    assert (track.wanted(LEFT), track.asked_at_s) == (LEFT, None)
    at = go(track, at, 10)
    assert track.require_seen(at, ())


def test_a_short_look_away_changes_nothing(track: TurnTrack) -> None:
    at = go(track, 0.1, 5)
    track.miss(at + LONGEST_GAP_S - 0.2)
    go(track, at + LONGEST_GAP_S - 0.1, 5)
    assert track.asked_at_s is None
    assert track.frames == 11


def test_nobody_is_asked_for_ever(track: TurnTrack) -> None:
    for i in range(MOST_ASKED):
        assert not track.require_seen(float(i), ())
    assert track.require_seen(9.0, ())
    track.end_leg("card_tilt_left", LEFT)
    assert track.check(1).reason == "card_turn_not_seen"


def test_nobody_is_asked_for_long(track: TurnTrack) -> None:
    assert not track.require_seen(1.0, ())
    track.add(frame(1.1 + LONGEST_ASKED_S), LEFT)
    assert track.wanted(LEFT) == LEFT
    assert track.require_seen(1.2 + LONGEST_ASKED_S, ())


def test_a_clock_that_begins_anew_breaks_the_way_and_the_times_begin_with_it(track: TurnTrack) -> None:
    go(track, 100.0, 12)
    track.add(frame(1.0), LEFT)
    assert (track.asked_at_s, track.frames) == (1.0, 0)
    assert not track.require_seen(50.0, ())
    track.miss(2.0)
    assert track.asked_at_s == 2.0
    track.miss(2.1 + LONGEST_ASKED_S)
    assert track.require_seen(2.2 + LONGEST_ASKED_S, ())


def test_going_back_forgets_later_ways(track: TurnTrack) -> None:
    at = go(track, 0.1, 12)
    track.require_seen(at, ())
    track.end_leg("card_tilt_left", LEFT)
    track.go_back(["card_front"], FRONT)
    assert track.check(1).reason == "card_turn_not_seen"
    assert not track.require_seen(at, ())
    track.go_back([], None)
    assert track.require_seen(at, ())


class Sessions(RuleBasedStateMachine):
    """Frames in any order: memory stays bounded, and a turn counts only if it was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.track, self.at_s = TurnTrack(TurnMeter.open(load_builtin())), 0.0
        self.seen = False

    @rule(after=st.floats(0.02, 4.0), pose=st.sampled_from([FRONT, LEFT]), same=st.sampled_from([None, 0.1, 0.9]))
    def look(self, after: float, pose: CardPose, same: float | None) -> None:
        self.at_s += after
        self.track.add(frame(self.at_s, same), pose)

    @rule(count=st.integers(1, 2 * MOST_FRAMES))
    def dwell(self, count: int) -> None:
        for _ in range(count):
            self.look(0.1, LEFT, 0.9)

    @rule(after=st.floats(0.02, 4.0))
    def miss(self, after: float) -> None:
        self.at_s += after
        self.track.miss(self.at_s)

    @rule()
    def take(self) -> None:
        if self.track.require_seen(self.at_s, ()):
            self.track.end_leg("card_tilt_left", LEFT)

    @rule()
    def retake(self) -> None:
        self.track.go_back(["card_front"], FRONT)

    @invariant()
    def bounded_and_never_a_pass(self) -> None:
        assert self.track.frames <= MOST_FRAMES
        # Every frame here is the same: no way was seen.
        assert self.track.check(2).outcome is None


Sessions.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestSessions = Sessions.TestCase
