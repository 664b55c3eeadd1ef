"""The session's state machine: the table in the code, the table in the documentation, and random orders of events."""

import ast
import asyncio
from collections.abc import Callable, Set
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from device_sessions import NONCE, SECRET, answer, complete_stills, examine, new_challenge, new_session, send
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from idproof.pipeline.card.plan import order_of
from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import StreamProblem
from idproof.service.stream import states
from idproof.service.stream.chain import Chain, Shows
from idproof.service.stream.machine import SessionMachine
from idproof.service.stream.parameters import StepUpText
from idproof.service.stream.pictures import MAX_STILLS
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import CAPTURING, TRANSITIONS, Event, InvalidTransition, State

ROOT = Path(__file__).parents[3]
ROLES = tuple(Shows)[:4]
STEP_UP = StepUpText("Change the address of record.")
WAITING = 3  # a preview, a still, and the picture under examination


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


ANY, VERIFICATION = set(State), {State.QUEUED, State.VERIFYING, State.STORING}
ACTS: tuple[tuple[Callable[[DeviceSession, Chain], object], Set[State]], ...] = (
    (capture, ANY),
    (leave_a_gap, ANY),
    (lambda session, device: session.retake(session.stages[0]), ANY),
    (lambda session, device: session.retake("selfie"), ANY),
    (lambda session, device: session.ask_challenge(new_challenge(), None), ANY),
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


class RandomOrders(RuleBasedStateMachine):
    """Events in a random order, from a random state on: each is a declared transition, or a problem with a code."""

    @initialize(reach=st.sampled_from(list(REACH.values())), step_up=st.sampled_from([None, STEP_UP]))
    def open(self, reach: Callable[[DeviceSession, Chain], None], step_up: StepUpText | None) -> None:
        self.session, self.device = recording_session(step_up), Chain(SECRET, NONCE)
        reach(self.session, self.device)

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.end()
            assert (self.session.ended, self.session.pictures.outstanding) == (True, 0)
            self.follow_the_table()

    def attempt(self, call: Callable[[], object]) -> None:
        """Perform a device's message; the state stays as it was if the message is refused."""
        before, code = self.session.state, None
        try:
            call()
        except StreamProblem as refused:
            code = refused.code
        if code is not None:
            assert code in ("message_unexpected", "stage_incomplete")
            assert self.session.state is before

    @rule(shows=st.sampled_from(Shows), still=st.booleans(), ms=st.integers(0, 9000), own=st.booleans())
    def frame(self, shows: Shows, still: bool, ms: int, own: bool) -> None:
        stage = self.session.stage
        role = Shows(stage) if own and stage in set(Shows) else shows
        try:
            send(self.session, self.device, role, still=still, ms=ms, size=8)
        except SessionExpired:
            assert self.session.pictures.remaining_s == 0
            self.session.restart_expired()

    @rule()
    def examine(self) -> None:
        try:
            examine(self.session)
        except SessionExpired:
            assert self.session.pictures.remaining_s == 0

    @rule()
    def two_good_stills(self) -> None:
        if self.session.stage in ROLES:
            for _ in range(2):
                self.frame(Shows.SELFIE, still=True, ms=0, own=True)
                self.examine()

    @rule()
    def answer(self) -> None:
        if self.session.state is State.ANSWERING:
            for at in range(0, new_challenge().duration_ms, 100):
                self.frame(Shows.LIVENESS, still=True, ms=at, own=False)
            assert self.session.state in (State.FINISH, State.LIVENESS, State.CARD, State.SELFIE)

    @rule(stage=st.sampled_from(ROLES))
    def retake(self, stage: Shows) -> None:
        self.attempt(lambda: self.session.retake(stage.value))

    @rule(slow=st.booleans())
    def options(self, slow: bool) -> None:
        self.attempt(lambda: self.session.set_options(Options(more_time=slow)))

    @rule()
    def ready(self) -> None:
        self.attempt(lambda: self.session.ask_challenge(new_challenge(), None))

    @rule()
    def finish(self) -> None:
        if self.session.pictures.remaining_s:
            self.attempt(self.session.request_verification)

    @precondition(lambda self: self.session.state in (State.QUEUED, State.ENDED))
    @rule()
    def verification_begins(self) -> None:
        asyncio.run(self.session.begin_verification("ver_1"))

    @precondition(lambda self: self.session.state is State.VERIFYING)
    @rule()
    def verification_decides(self) -> None:
        self.session.decide()

    @precondition(lambda self: self.session.state in (State.STORING, State.ENDED))
    @rule()
    def verdict(self) -> None:
        self.end_verification("verdict", 1)

    @precondition(lambda self: self.session.state in VERIFICATION | {State.ENDED})
    @rule(kind=st.sampled_from(["retry", "error"]), left=st.integers(0, 2))
    def verification_fails(self, kind: str, left: int) -> None:
        self.end_verification(kind, left)

    def end_verification(self, kind: str, left: int) -> None:
        """End a verification; its outcome is reported once, with the session's id, unless the session has ended."""
        heard: list[dict[str, Any]] = []

        async def hear(message: dict[str, Any]) -> None:
            heard.append(message)

        ended = self.session.ended
        self.session.attach(hear)
        asyncio.run(self.session.end_verification(outcome(kind, left)))
        self.session.detach()
        assert [message["session"] for message in heard] == ([] if ended else [self.session.id])

    @rule(chance=st.integers(0, 4))
    def the_applicant_stops(self, chance: int) -> None:
        if chance:
            return
        stoppable = not self.session.ended and self.session.state is not State.STORING
        self.attempt(self.session.stop)
        if stoppable:
            assert (self.session.state, self.session.pictures.outstanding) == (State.ENDED, 0)

    @rule()
    def the_connection_is_cut_and_resumed(self) -> None:
        self.session.detach()
        self.session.resume()

    @rule(chance=st.integers(0, 4))
    def the_device_is_away_for_too_long(self, chance: int) -> None:
        if chance:
            return
        self.session.detach()
        self.session.release_pictures()
        if self.session.capturing:
            assert self.session.pictures.outstanding == 0

    @rule(chance=st.integers(0, 4))
    def the_vault_overwrites(self, chance: int) -> None:
        if not chance:
            self.session.pictures.wipe()

    @precondition(lambda self: self.session.capturing)
    @rule(chance=st.integers(0, 4))
    def the_pictures_expire(self, chance: int) -> None:
        if not chance:
            self.session.restart_expired()

    @rule(chance=st.integers(0, 9))
    def the_session_ends(self, chance: int) -> None:
        if not chance:
            self.session.end()

    @invariant()
    def follow_the_table(self) -> None:
        state = State.CARD if self.session.step_up is None else State.SELFIE
        for source, event, target in self.session.performed:
            assert source is state
            assert target in TRANSITIONS[source][event]
            state = target
        assert self.session.state is state

    @invariant()
    def bound_the_pictures(self) -> None:
        moments = len(new_challenge().capture_ms()) if self.session.pictures.answer is not None else 0
        assert self.session.pictures.outstanding <= len(ROLES) * MAX_STILLS + moments + WAITING
        if self.session.ended:
            assert self.session.pictures.outstanding == 0

    @invariant()
    def keep_stage_and_state_together(self) -> None:
        session = self.session
        if session.capturing:
            begun = states.state_of_stage(session.stage)
            assert session.state in (begun, State.ANSWERING if begun is State.LIVENESS else begun)
            assert (session.pictures.answer is not None) == (session.state in (State.ANSWERING, State.FINISH))
        else:
            assert session.stage == "verifying" or session.ended


RandomOrders.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestRandomOrders = RandomOrders.TestCase


def test_the_machine_names_its_stages_in_the_order_of_the_nonce() -> None:
    machine = SessionMachine(order_of(NONCE))
    assert machine.stages == ("card_front", "card_tilt_left", "card_tilt_right", "selfie", "liveness", "finish")
