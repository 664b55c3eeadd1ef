"""A device's session without a socket: frames kept, dropped and reported, and pictures overwritten."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from device_sessions import FakeGuide, answer, complete_stills, examine, new_challenge, new_session, send

from idproof.pipeline.errors import CaptureUnreadable, SessionExpired
from idproof.pipeline.guidance import Guidance, Hint
from idproof.pipeline.liveness.challenge import Options, draw
from idproof.service.errors import StreamProblem
from idproof.service.stream.chain import Chain
from idproof.service.stream.pictures import MAX_STILLS, KeptStills
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import State


class InterruptedGuide(FakeGuide):
    """Begins to read, lets something happen to the session, and then finds no JPEG where there are zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.interruption: Callable[[], object] = lambda: None

    def card(self, data: memoryview, *_: Any, lit: bool, still: bool) -> Guidance:
        assert any(data)
        interruption = threading.Thread(target=self.interruption)  # as the event loop goes on beside a thread
        interruption.start()
        interruption.join(5)
        if not any(data):
            raise CaptureUnreadable("The frame is not a JPEG that can be decoded.", capture="frame")
        return self.found


INTERRUPTIONS: dict[str, Callable[[DeviceSession], object]] = {
    "the verification is prepared": lambda session: session.pictures.prepare_verification(),
    "the vault's time ends": lambda session: session.pictures.wipe(),
    "the device is away for too long": DeviceSession.release_pictures,
    "the session ends": DeviceSession.end,
    "the session restarts": DeviceSession.restart_expired,
}


@pytest.mark.parametrize("still", [False, True], ids=["preview", "still"])
@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_a_frame_that_is_overwritten_during_its_examination_is_dropped_without_an_error(
    device: Chain, interruption: str, still: bool
) -> None:
    guide = InterruptedGuide()
    session = new_session(guide=guide)
    guide.interruption = lambda: INTERRUPTIONS[interruption](session)
    send(session, device, session.stage, still=still)
    waiting = session.next_frame()
    assert waiting is not None
    assert session.examine(waiting) is None
    dropped = session.dropped
    assert session.apply_guidance(waiting, None) == []
    assert session.dropped == dropped + 1
    assert session.pictures.outstanding == 0
    session.end()


def test_of_frames_that_wait_only_the_newest_is_examined_and_the_others_are_counted(
    session: DeviceSession, device: Chain
) -> None:
    for _ in range(10):
        send(session, device, session.stage, still=False)
    (guidance,) = examine(session)
    assert (guidance["seq"], guidance["dropped"], guidance["want"]) == (10, 9, "still")
    assert examine(session) == []
    assert session.pictures.outstanding == 0


def test_a_still_is_examined_before_a_newer_preview(session: DeviceSession, device: Chain) -> None:
    send(session, device, session.stage, still=True)
    send(session, device, session.stage, still=False)
    assert session.waiting == (True, 0.0)
    assert [examine(session)[0]["seq"] for _ in range(2)] == [1, 2]


def test_a_frame_of_another_stage_is_dropped(session: DeviceSession, device: Chain) -> None:
    assert send(session, device, "selfie", still=True) == []
    assert (session.dropped, session.waiting, session.pictures.outstanding) == (1, None, 0)


def test_the_best_stills_of_a_role_are_kept(session: DeviceSession) -> None:
    held = session.pictures.vault_session
    stills = KeptStills(held)
    kept = []
    for score in (0.3, 0.9, 0.1, 0.6, 0.7):
        held.receive("new").write(str(score).encode())
        kept.append(stills.offer("selfie", "new", score))
    assert kept == [True, True, False, True, True]
    assert stills.count("selfie") == held.outstanding == MAX_STILLS == 2
    stills.choose()
    stills.choose()  # a second time changes nothing
    assert held.outstanding == 1
    with held.upload("selfie") as view:
        assert bytes(view) == b"0.9"


def test_a_good_still_counts_towards_the_stage_and_a_poor_one_is_overwritten(
    session: DeviceSession, device: Chain, guide: FakeGuide
) -> None:
    first = session.stage
    guide.found = Guidance(Hint.HOLD_STILL, 0.9, px_per_mm=11.0)
    send(session, device, first, still=True)
    (guidance,) = examine(session)
    assert (guidance["hint"], session.pictures.outstanding) == ("hold_still", 0)
    guide.found = FakeGuide().found
    send(session, device, first, still=True)
    (guidance,) = examine(session)
    assert (guidance["progress"], guidance["want"], session.stage) == (0.8, "still", first)
    send(session, device, first, still=True)
    guidance, stage = examine(session)
    assert (guidance["progress"], guidance["want"]) == (1.0, "none")
    assert guide.stills == [True] * 3  # each is measured at its full resolution
    assert (stage["stage"], stage["place"], stage["kept"]) == (session.stage, 2, {first: 2})
    assert session.stage != first


def test_hints_are_counted_until_they_are_taken(session: DeviceSession, device: Chain) -> None:
    send(session, device, session.stage, still=False)
    examine(session)
    assert session.take_hints() == {"good": 1}
    assert session.take_hints() == {}


def test_a_whole_capture_keeps_the_nearest_frame_of_each_moment(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    assert session.stage == "liveness"
    challenge = new_challenge()
    said = answer(session, device, challenge)
    assert [message["stage"] for message in said] == ["finish"]
    shots = session.liveness_timings().frames
    distances = [abs(shot.captured_ms - at) for shot, at in zip(shots, challenge.capture_ms(), strict=True)]
    assert max(distances) <= 50
    assert session.answered_at is not None
    session.request_verification()
    assert session.state is State.QUEUED
    assert session.stage == "verifying"
    assert session.pictures.outstanding == 4 + len(challenge.capture_ms())


def test_an_answer_with_a_gap_is_overwritten_and_the_stage_repeated(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    challenge = new_challenge()
    session.ask_challenge(challenge, None)
    said: list[dict[str, Any]] = []
    for at in range(0, challenge.duration_ms, 100):
        if not 2000 < at < 3500:
            said += send(session, device, "liveness", still=True, ms=at)
    assert (said[-1]["stage"], said[-1]["again"]) == ("liveness", "challenge_incomplete")
    assert (session.state, session.pictures.outstanding) == (State.LIVENESS, 8)


def test_an_answer_that_comes_too_late_is_overwritten_and_the_stage_repeated(
    session: DeviceSession, device: Chain
) -> None:
    complete_stills(session, device)
    said = answer(session, device, draw(bytes(16), issued_at=datetime.now(UTC) - timedelta(hours=1)))
    assert (said[0]["stage"], said[0]["again"]) == ("liveness", "challenge_lapsed")
    assert (session.state, session.pictures.outstanding) == (State.LIVENESS, 8)


def test_a_second_challenge_overwrites_the_answer_to_the_first(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    session.ask_challenge(new_challenge(), None)
    send(session, device, "liveness", still=True, ms=100.0)
    examine(session)
    assert session.pictures.outstanding == 9
    session.ask_challenge(new_challenge(), None)
    assert (session.pictures.outstanding, session.challenges_asked) == (8, 2)


def test_a_card_with_too_few_pixels_is_not_kept(session: DeviceSession, device: Chain, guide: FakeGuide) -> None:
    guide.found = Guidance(Hint.GOOD, 0.9, px_per_mm=5.0)
    send(session, device, session.stage, still=True)
    (guidance,) = examine(session)
    assert (guidance["hint"], guidance["want"]) == ("move_closer", "preview")
    assert session.pictures.outstanding == 0


def test_retaking_overwrites_the_stage_and_all_later_ones(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    with pytest.raises(StreamProblem, match="not done"):
        session.retake("liveness")
    message = session.retake(session.stages[1])
    assert (message["stage"], message["kept"]) == (session.stages[1], {session.stages[0]: 2})
    assert session.pictures.outstanding == 2


def test_pictures_of_an_absent_device_are_overwritten_and_the_capture_restarts(
    session: DeviceSession, device: Chain
) -> None:
    complete_stills(session, device)
    send(session, device, "liveness", still=True)
    session.release_pictures()
    assert session.pictures.outstanding == 0
    session.resume()
    message = session.session_message(resumed=True)
    assert (session.stage, message["next"]) == (session.stages[0], device.next)
    send(session, device, session.stage, still=False)
    assert examine(session)[0]["hint"] == "good"


def test_a_challenge_that_was_interrupted_has_to_be_asked_anew(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    session.ask_challenge(new_challenge(), None)
    send(session, device, "liveness", still=True, ms=100.0)
    session.detach()
    session.resume()
    assert (session.state, session.pictures.outstanding) == (State.LIVENESS, 8)


def test_messages_of_another_state_are_unexpected_and_change_nothing(session: DeviceSession) -> None:
    for call in (
        lambda: session.set_options(Options(cannot_turn=True)),
        lambda: session.ask_challenge(new_challenge(), None),
        session.request_verification,
        session.require_liveness,
    ):
        with pytest.raises(StreamProblem) as refused:
            call()
        assert refused.value.code == "message_unexpected"
    assert (session.state, session.options, session.challenges_asked) == (State.CARD, Options(), 0)


def test_after_the_pictures_time_a_frame_is_refused_and_the_capture_restarts(
    session: DeviceSession, device: Chain
) -> None:
    complete_stills(session, device)
    session.retake("selfie")
    session.pictures.wipe()
    with pytest.raises(SessionExpired):
        send(session, device, "selfie", still=True)
    assert session.restart_expired()["stage"] == session.stages[0]
    send(session, device, session.stage, still=True)
    assert session.pictures.outstanding == 1


def test_a_frame_whose_examination_ends_after_a_restart_is_dropped(session: DeviceSession, device: Chain) -> None:
    send(session, device, session.stage, still=True)
    waiting = session.next_frame()
    assert waiting is not None
    found = session.examine(waiting)
    session.pictures.wipe()
    session.restart_expired()
    dropped = session.dropped
    assert session.apply_guidance(waiting, found) == []
    assert (session.dropped, session.pictures.outstanding) == (dropped + 1, 0)
