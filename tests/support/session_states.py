"""Device sessions brought to any state of the table of transitions; each notes the transitions that it performs."""

import asyncio
from collections.abc import Callable
from typing import Any

from device_sessions import answer, complete_stills, examine, new_challenge, new_session, send

from idproof.service.stream.chain import Chain
from idproof.service.stream.parameters import StepUpText
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import Event, State

STEP_UP = StepUpText("Change the address of record.")
VERIFICATION = {State.QUEUED, State.VERIFYING, State.STORING}


class RecordingSession(DeviceSession):
    """Notes each transition that it performs."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.performed: list[tuple[State, Event, State]] = []
        move = self._machine._move

        def record(event: Event, target: State) -> None:
            source = self.state
            move(event, target)
            self.performed.append((source, event, target))

        self._machine._move = record  # type: ignore[method-assign]


def recording_session(step_up: StepUpText | None = None) -> RecordingSession:
    session = new_session(RecordingSession, step_up=step_up)
    assert isinstance(session, RecordingSession)
    return session


def second_card(session: DeviceSession, device: Chain) -> None:
    """The second stage, which in a step-up is the challenge."""
    for _ in range(2):
        send(session, device, session.stage, still=True)
        examine(session)


def selfie(session: DeviceSession, device: Chain) -> None:
    while session.stage != "selfie":
        second_card(session, device)


def answering(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    session.ask_challenge(new_challenge(), None)


def finish(session: DeviceSession, device: Chain) -> None:
    complete_stills(session, device)
    answer(session, device, new_challenge())


def queued(session: DeviceSession, device: Chain) -> None:
    finish(session, device)
    session.request_verification()


def verifying(session: DeviceSession, device: Chain) -> None:
    queued(session, device)
    asyncio.run(session.begin_verification("ver_1"))


def storing(session: DeviceSession, device: Chain) -> None:
    verifying(session, device)
    session.decide()


REACH: dict[str, Callable[[DeviceSession, Chain], None]] = {
    "first card": lambda session, device: None,
    "second card": second_card,
    "selfie": selfie,
    "liveness": complete_stills,
    "answering": answering,
    "finish": finish,
    "queued": queued,
    "verifying": verifying,
    "storing": storing,
    "ended": lambda session, device: session.end(),
}


def outcome(kind: str, left: int = 1) -> dict[str, Any]:
    return {"type": kind, "id": "ver_1", "code": "busy", "attempts_left": left}
