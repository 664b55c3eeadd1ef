"""The session's state machine: the table in the code, in the documentation, and in sessions that take each row."""

import ast
import asyncio
from collections.abc import Callable, Set
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from device_sessions import NONCE, SECRET, new_challenge, new_session, send
from session_states import REACH, STEP_UP, VERIFICATION, outcome, recording_session, second_card

from idproof.pipeline.card.plan import order_of
from idproof.service.errors import StreamProblem
from idproof.service.stream import states
from idproof.service.stream.chain import Chain
from idproof.service.stream.machine import SessionMachine
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import CAPTURING, TRANSITIONS, Event, InvalidTransition, State

ROOT = Path(__file__).parents[3]


def documented() -> dict[tuple[str, str], set[str]]:
    """Returns the table of `docs/stream.md`."""
    page = (ROOT / "docs" / "stream.md").read_text(encoding="utf-8")
    rows = page.split("| from | event | to |")[1].split("\n\n")[0].splitlines()[2:]
    table = {}
    for row in rows:
        source, event, target = (cell.strip() for cell in row.strip().strip("|").split("|"))
        table[source.strip("`"), event.strip("`")] = {name.strip("` ") for name in target.split(",")}
    return table


def test_the_documentation_prints_the_table_of_transitions() -> None:
    coded = {
        (source.value, event.value): {target.value for target in targets}
        for source, events in TRANSITIONS.items()
        for event, targets in events.items()
    }
    assert documented() == coded


def test_every_state_and_event_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {event for events in TRANSITIONS.values() for event in events} == set(Event)
    assert TRANSITIONS[State.ENDED] == {}


@pytest.mark.parametrize("source", State)
def test_a_transition_outside_the_table_is_refused(source: State) -> None:
    for event, target in product(Event, State):
        if target in TRANSITIONS[source].get(event, ()):
            assert states.follow(source, event, target) is target
        else:
            with pytest.raises(InvalidTransition):
                states.follow(source, event, target)


def test_fields_of_a_session_cannot_be_assigned_from_outside() -> None:
    session = new_session()
    public = [name for name in dir(DeviceSession) if isinstance(getattr(DeviceSession, name), property)]
    assert {"state", "stage", "dropped", "options", "language", "retries", "pictures"} <= set(public)
    for name in public:
        with pytest.raises(AttributeError):
            setattr(session, name, None)
    session.end()


def test_no_other_module_assigns_a_field_of_a_session_or_its_machine() -> None:
    """Assignments to attributes in `service/stream` are to `self`, apart from the two that the list names."""
    allowed = {"slot.granted", "suspended.on_lapse"}
    found = set()
    for path in (ROOT / "service" / "stream").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                for part in ast.walk(target) if target is not None else ():
                    if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                        found.add(ast.unparse(part))
    assert {name for name in found if not name.startswith("self.")} == allowed


def test_every_transition_of_the_table_happens_in_some_session() -> None:
    """A row that no session can take would be a rule without a use."""
    performed: set[tuple[State, Event, State]] = set()
    for step_up, reach, (act, allowed) in product((None, STEP_UP), REACH.values(), ACTS):
        session, device = recording_session(step_up), Chain(SECRET, NONCE)
        reach(session, device)
        if session.state in allowed:
            with suppress(StreamProblem):
                act(session, device)
        session.end()
        performed |= set(session.performed)
    declared = {
        (source, event, target)
        for source, events in TRANSITIONS.items()
        for event, targets in events.items()
        for target in targets
    }
    assert performed == declared


def capture(session: DeviceSession, device: Chain) -> None:
    if session.stage == "liveness":
        for at in range(0, new_challenge().duration_ms, 100):
            send(session, device, "liveness", still=True, ms=at)
    elif session.capturing and session.stage != "finish":
        second_card(session, device)


def leave_a_gap(session: DeviceSession, device: Chain) -> None:
    if session.stage == "liveness":
        send(session, device, "liveness", still=True, ms=new_challenge().duration_ms)


def begin(session: DeviceSession, device: Chain) -> None:
    asyncio.run(session.begin_verification("ver_1"))


def conclude(kind: str) -> Callable[[DeviceSession, Chain], None]:
    return lambda session, device: asyncio.run(session.end_verification(outcome(kind)))


ANY = set(State)
ACTS: tuple[tuple[Callable[[DeviceSession, Chain], object], Set[State]], ...] = (
    (capture, ANY),
    (leave_a_gap, ANY),
    (lambda session, device: session.retake(session.stages[0]), ANY),
    (lambda session, device: session.retake("selfie"), ANY),
    (lambda session, device: session.ask_challenge(new_challenge(), None), ANY),
    (lambda session, device: session.extend_time(), ANY),
    (lambda session, device: session.resume(), ANY),
    (lambda session, device: session.request_verification(), ANY),
    (lambda session, device: session.restart_expired(), CAPTURING),
    (lambda session, device: session.stop(), ANY),
    (lambda session, device: session.decide(), {State.VERIFYING}),
    (begin, {State.QUEUED, State.ENDED}),
    (conclude("verdict"), {State.STORING, State.ENDED}),
    (conclude("step_up_decided"), {State.STORING, State.ENDED}),
    (conclude("retry"), VERIFICATION | {State.ENDED}),
    (conclude("error"), VERIFICATION | {State.ENDED}),
)
"""Deeds of a device and of the server, each with the states in which the server may do it."""


def test_the_machine_names_its_stages_in_the_order_of_the_nonce() -> None:
    machine = SessionMachine(order_of(NONCE))
    assert machine.stages == ("card_front", "card_tilt_left", "card_tilt_right", "selfie", "liveness", "finish")
