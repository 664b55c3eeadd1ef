"""State machine of one session: state and stage, and the only methods that change them. Pure."""

from collections.abc import Sequence

from idproof.pipeline.types import Role
from idproof.service.errors import StreamProblem
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.states import (
    CAPTURING,
    FINISH,
    TRANSITIONS,
    VERIFYING,
    Event,
    State,
    follow,
    state_of_stage,
)


class SessionMachine:
    """State and stage of one session. Every method that performs a transition names its event.

    Args:
        order: of the card's angles; empty where no card is captured.

    Example:
        >>> machine = SessionMachine([Role.CARD_FRONT, Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT])
        >>> machine.stage
        'card_front'
        >>> machine.complete_stage()
        >>> machine.state, machine.stage
        (<State.CARD: 'card'>, 'card_tilt_left')
    """

    def __init__(self, order: Sequence[Role]) -> None:
        self.stages: tuple[str, ...] = (*(role.value for role in order), Role.SELFIE.value, LIVENESS, FINISH)
        self._state = state_of_stage(self.stages[0])
        self._place = 0
        self._extended = False

    @property
    def state(self) -> State:
        """Current state."""
        return self._state

    @property
    def place(self) -> int:
        """Index of the current stage."""
        return self._place

    @property
    def stage(self) -> str:
        """Current stage, as messages name it."""
        return VERIFYING if self.verifying else self.stages[self._place]

    @property
    def capturing(self) -> bool:
        """True while frames and messages of the device may change the session."""
        return self._state in CAPTURING

    @property
    def extendable(self) -> bool:
        """True until the pictures' time was extended."""
        return not self._extended

    @property
    def verifying(self) -> bool:
        """True while a verification was requested and has not ended."""
        return self._state in (State.QUEUED, State.VERIFYING, State.STORING)

    @property
    def ended(self) -> bool:
        """True once nothing follows."""
        return self._state is State.ENDED

    def require(self, event: Event) -> None:
        """Raises `StreamProblem` `message_unexpected` unless the current state takes this event."""
        if event not in TRANSITIONS[self._state]:
            raise StreamProblem("message_unexpected", "This message is not taken in this state.")

    def complete_stage(self) -> None:
        """A card stage or the selfie has its pictures."""
        self._enter(self._place + 1, Event.STAGE_COMPLETE)

    def go_back(self, stage: str) -> None:
        """Retake a stage; raises `StreamProblem` `message_unexpected`, or `stage_incomplete` if it was not done."""
        self.require(Event.RETAKE)
        place = self.stages.index(stage) if stage in self.stages else len(self.stages)
        if place >= self._place:
            raise StreamProblem("stage_incomplete", "This stage was not done yet.")
        self._enter(place, Event.RETAKE)

    def ask_challenge(self) -> None:
        """Wait for frames that answer a liveness challenge; raises `StreamProblem` `message_unexpected`."""
        self.require(Event.CHALLENGE_ASKED)
        self._move(Event.CHALLENGE_ASKED, State.ANSWERING)

    def complete_answer(self) -> None:
        """Every moment of the challenge has its frame."""
        self._enter(self._place + 1, Event.ANSWER_COMPLETE)

    def void_answer(self) -> None:
        """The answer has a gap, came too late, or was interrupted by a lost connection."""
        self._enter(self._place, Event.ANSWER_VOID)

    def restart_expired(self) -> None:
        """The pictures' time is over."""
        self._enter(0, Event.PICTURES_EXPIRED)

    def extend_time(self) -> None:
        """Give the pictures more time, once in a session; raises `StreamProblem` `message_unexpected` otherwise."""
        self.require(Event.TIME_EXTENDED)
        if self._extended:
            raise StreamProblem("message_unexpected", "The time of this session was extended already.")
        self._move(Event.TIME_EXTENDED, self._state)
        self._extended = True

    def request_finish(self) -> None:
        """Queue the verification; raises `StreamProblem` `message_unexpected`."""
        self.require(Event.FINISH_REQUESTED)
        self._move(Event.FINISH_REQUESTED, State.QUEUED)

    def begin_verification(self) -> None:
        """The verification has a place and an identifier."""
        self._move(Event.VERIFICATION_BEGUN, State.VERIFYING)

    def postpone_verification(self) -> None:
        """The verification got no place; the pictures are still there."""
        self._move(Event.VERIFICATION_POSTPONED, State.FINISH)

    def fail_verification(self) -> None:
        """The verification decided nothing; the pictures are gone."""
        self._enter(0, Event.VERIFICATION_FAILED)

    def decide(self) -> None:
        """The verification has decided; its verdict is about to be stored, and nothing stops it any more."""
        self._move(Event.DECIDED, State.STORING)

    def conclude(self) -> None:
        """A verdict was stored."""
        self._move(Event.VERDICT, State.ENDED)

    def stop(self) -> None:
        """The applicant stopped; raises `StreamProblem` `message_unexpected` once a verdict is being stored."""
        self.require(Event.STOP)
        self._move(Event.STOP, State.ENDED)

    def end(self) -> None:
        """Out of time, revoked, left, or replaced by another session; without effect if it ended before."""
        if not self.ended:
            self._move(Event.END, State.ENDED)

    def _enter(self, place: int, event: Event) -> None:
        self._move(event, state_of_stage(self.stages[place]))
        self._place = place

    def _move(self, event: Event, target: State) -> None:
        self._state = follow(self._state, event, target)
