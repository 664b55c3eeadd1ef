"""A device's session while its captures are verified: outcomes reported, and pictures overwritten at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from device_sessions import NONCE, SECRET, answer, complete_stills, new_challenge, new_session

from idproof.pipeline.errors import SessionExpired
from idproof.service.stream.chain import Chain
from idproof.service.stream.messages import Start
from idproof.service.stream.opening import start_session
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import State
from idproof.service.stream.suspended import SuspendedSessions

RETRY = {"type": "retry", "code": "card_not_found", "capture": "card_front", "sentence": "…"}


@pytest.mark.parametrize(
    ("outcome", "state", "pictures", "more"),
    [
        ({"type": "verdict", "id": "ver_1", "decision": "accept"}, State.ENDED, 0, {}),
        (RETRY | {"attempts_left": 2}, State.CARD, 0, {"stage": "card_front", "pictures_s": 60.0}),
        (RETRY | {"attempts_left": 0}, State.ENDED, 0, {"stage": "card_front", "pictures_s": 0.0}),
        ({"type": "error", "code": "store_unavailable"}, State.CARD, 0, {"stage": "card_front", "pictures_s": 60.0}),
    ],
    ids=["verdict", "retry", "last retry", "error"],
)
def test_the_outcome_of_a_verification_is_reported_once_the_device_is_back(
    session: DeviceSession, device: Chain, outcome: dict[str, Any], state: State, pictures: int, more: dict[str, Any]
) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(message: dict[str, Any]) -> None:
        heard.append(message)

    async def run() -> None:
        complete_stills(session, device)
        answer(session, device, new_challenge())
        session.request_verification()
        session.attach(hear)
        await session.begin_verification("ver_1")
        assert heard == [{"type": "verifying", "id": "ver_1", "session": session.id}]
        session.detach()
        session.resume()
        assert session.verifying
        if outcome["type"] == "verdict":
            session.decide()
        await session.end_verification(outcome)
        assert len(heard) == 1
        session.attach(hear)
        await session.report_outcome()
        await session.report_outcome()

    asyncio.run(run())
    assert heard[1:] == [outcome | more | {"session": session.id}]
    assert (session.state, session.pictures.outstanding) == (state, pictures)


def test_a_verification_without_a_place_may_be_requested_again(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    answer(session, device, new_challenge())
    session.request_verification()
    held = session.pictures.outstanding
    asyncio.run(session.end_verification({"type": "error", "code": "busy"}))
    assert (session.state, session.pictures.outstanding) == (State.FINISH, held)
    session.request_verification()
    assert session.state is State.QUEUED


def test_a_stop_during_the_verification_overwrites_the_pictures_and_no_outcome_is_reported(
    session: DeviceSession, device: Chain
) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(message: dict[str, Any]) -> None:
        heard.append(message)

    async def run() -> None:
        session.attach(hear)
        await session.begin_verification("ver_1")
        session.stop()
        assert (session.ended, session.pictures.outstanding) == (True, 0)
        with pytest.raises(SessionExpired):
            session.pictures.ensure_open()
        await session.end_verification({"type": "verdict", "id": "ver_1", "decision": "accept"})

    complete_stills(session, device)
    answer(session, device, new_challenge())
    session.request_verification()
    asyncio.run(run())
    assert [message["type"] for message in heard] == ["verifying"]


def test_a_session_that_ended_during_its_verification_stays_ended(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    answer(session, device, new_challenge())
    session.request_verification()
    session.end()
    asyncio.run(session.begin_verification("ver_1"))
    asyncio.run(session.end_verification(RETRY | {"attempts_left": 2}))
    assert (session.ended, session.pictures.outstanding) == (True, 0)


@pytest.mark.parametrize("outcome", ["busy", "store_unavailable"])
def test_pictures_of_an_applicant_who_was_followed_by_another_do_not_wait_for_a_verification(
    session: DeviceSession, device: Chain, outcome: str
) -> None:
    complete_stills(session, device)
    answer(session, device, new_challenge())
    session.request_verification()
    session.abandon()  # the next applicant began at this device
    assert not session.ended
    assert session.pictures.outstanding
    asyncio.run(session.end_verification({"type": "error", "code": outcome}))
    assert (session.ended, session.pictures.outstanding) == (True, 0)


def test_the_next_start_and_the_end_of_its_time_abandon_a_session_that_waits() -> None:
    async def run(forget: Callable[[SuspendedSessions], Awaitable[None]]) -> None:
        suspended = SuspendedSessions(grace_s=30.0)
        suspended.add("kiosk", session)
        await forget(suspended)
        await session.end_verification({"type": "error", "code": "busy"})

    async def start(suspended: SuspendedSessions) -> None:
        intake = SimpleNamespace(audit=None, ledger=SimpleNamespace(sessions=None))  # nothing is opened
        runtime: Any = SimpleNamespace(suspended=suspended, intake=intake)
        kiosk: Any = SimpleNamespace(kiosk=SimpleNamespace(id="kiosk", client="client"), token=None)
        with pytest.raises(AttributeError):
            await start_session(runtime, kiosk, Start(type="start", consent=True))

    async def lapse(suspended: SuspendedSessions) -> None:
        suspended._lapse("kiosk")

    for forget in (start, lapse):
        session = new_session()
        device = Chain(SECRET, NONCE)
        complete_stills(session, device)
        answer(session, device, new_challenge())
        session.request_verification()
        asyncio.run(run(forget))
        assert (session.ended, session.pictures.outstanding) == (True, 0)
