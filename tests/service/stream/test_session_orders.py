"""Events of a device's session in random orders: each is a declared transition, or a problem with a code."""

import asyncio
from collections.abc import Callable
from typing import Any

from device_sessions import NONCE, SECRET, examine, new_challenge, send
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from session_states import REACH, STEP_UP, VERIFICATION, outcome, recording_session

from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import StreamProblem
from idproof.service.stream import states
from idproof.service.stream.chain import Chain, Shows
from idproof.service.stream.parameters import StepUpText
from idproof.service.stream.pictures import MAX_STILLS
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.states import TRANSITIONS, State

ROLES = tuple(Shows)[:4]
WAITING = 3  # a preview, a still, and the picture under examination


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
