"""More time for an applicant: once in a session, near the end of the pictures' time, and never silently."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from device_sessions import NONCE, SECRET, complete_stills, examine, new_session, send
from session_states import REACH
from stream_server import StreamVerifier, enroll, stream_server, with_device

from idproof.pipeline.errors import SessionExpired
from idproof.service.errors import StreamProblem
from idproof.service.operations.privacy import privacy_statement
from idproof.service.operations.settings import Settings
from idproof.service.stream.chain import Chain
from idproof.service.stream.session import EXTENDABLE_S, DeviceSession
from idproof.service.stream.simulator.device import Device, DeviceProblem

CAPTURING = ("first card", "second card", "selfie", "liveness", "answering", "finish")


@pytest.mark.parametrize("reached", CAPTURING)
def test_the_pictures_live_longer_and_stay_where_they_are(reached: str) -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    REACH[reached](session, device)
    state, held = session.state, session.pictures.outstanding
    answer = session.extend_time()
    assert 110 < session.pictures.remaining_s <= 120
    assert answer == {"type": "extended", "pictures_s": pytest.approx(session.pictures.remaining_s, abs=1)}
    assert (session.state, session.pictures.outstanding) == (state, held)
    session.end()


@pytest.mark.parametrize("reached", ["queued", "verifying", "storing", "ended"])
def test_nothing_is_extended_once_the_captures_are_over(reached: str) -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    REACH[reached](session, device)
    refused(session)


def test_it_is_extended_once_only_also_after_the_pictures_expired() -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    assert session.session_message(resumed=False)["extendable"]
    session.extend_time()
    refused(session)
    session.restart_expired()
    refused(session)
    complete_stills(session, device)
    refused(session)
    assert not session.session_message(resumed=True)["extendable"]
    session.end()


def test_much_time_left_is_not_extended() -> None:
    session = new_session(lifetime_s=EXTENDABLE_S + 30)
    refused(session)
    assert session.session_message(resumed=False)["extendable"], "a refusal does not use it up"
    session.end()


def test_no_picture_outlives_the_session_itself() -> None:
    session = new_session(lifetime_s=40.0, ends_s=50.0)
    assert session.extend_time()["pictures_s"] <= 50
    session.end()
    late = new_session(lifetime_s=40.0, ends_s=30.0)
    refused(late)
    late.end()


def test_expired_pictures_are_not_brought_back() -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    send(session, device, session.stage, still=True)
    examine(session)
    session.pictures.wipe()
    with pytest.raises(SessionExpired):
        session.extend_time()
    assert session.session_message(resumed=False)["extendable"]
    session.end()


def test_every_stage_says_how_much_time_is_left() -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    for _ in range(2):
        send(session, device, session.stage, still=True)
        said = examine(session)
    assert said[-1]["type"] == "stage"
    assert 0 < said[-1]["pictures_s"] <= 60
    session.end()


@pytest.mark.parametrize(("stream_s", "session_s", "longest"), [(240, 600, 480), (240, 300, 300), (600, 600, 600)])
def test_the_privacy_statement_counts_the_extension(stream_s: float, session_s: float, longest: float) -> None:
    verifier = StreamVerifier()
    statement = privacy_statement(Settings(stream_s=stream_s, session_s=session_s), verifier.vault.limits)
    assert statement["pictures"]["at_most_seconds_streaming"] == longest


def test_a_device_extends_over_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> tuple[float, dict[str, Any], str]:
        session = await device.start()
        await device.send({"type": "extend", "session": session["id"]})
        extended = await device.receive("extended")
        await device.send({"type": "extend"})
        with pytest.raises(DeviceProblem) as problem:
            await device.receive("extended")
        return session["pictures_s"], extended, str(problem.value)

    with stream_server(Settings(data_dir=tmp_path, stream_s=50.0), StreamVerifier(), monkeypatch) as url:
        before, extended, second = with_device(url, enroll(tmp_path), act)
    assert before <= 50 < 90 < extended["pictures_s"] <= 100
    assert "message_unexpected" in second


def refused(session: DeviceSession, act: Callable[[DeviceSession], object] = DeviceSession.extend_time) -> None:
    with pytest.raises(StreamProblem) as problem:
        act(session)
    assert problem.value.code == "message_unexpected"
