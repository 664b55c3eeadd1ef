"""States of one applicant's session at a device, and the table of transitions between them.

`docs/stream.md` prints the table; a test compares the two. Whether the device is connected at the moment is not part of
the state: a verification goes on while the device is away.
"""

from collections.abc import Mapping
from enum import StrEnum

from idproof.pipeline.types import CARD_ROLES, Role
from idproof.service.stream.chain import LIVENESS

FINISH = "finish"
"""The last stage: everything is captured."""
VERIFYING = "verifying"
"""Stands in for a stage in messages while a verification runs."""


class State(StrEnum):
    """State of a session."""

    CARD = "card"
    SELFIE = "selfie"
    LIVENESS = "liveness"
    ANSWERING = "answering"
    FINISH = "finish"
    QUEUED = "queued"
    VERIFYING = "verifying"
    STORING = "storing"
    ENDED = "ended"


class Event(StrEnum):
    """Cause of a transition."""

    STAGE_COMPLETE = "stage complete"
    RETAKE = "retake"
    CHALLENGE_ASKED = "challenge asked"
    ANSWER_COMPLETE = "answer complete"
    ANSWER_VOID = "answer void"
    PICTURES_EXPIRED = "pictures expired"
    TIME_EXTENDED = "time extended"
    FINISH_REQUESTED = "finish requested"
    VERIFICATION_BEGUN = "verification begun"
    VERIFICATION_POSTPONED = "verification postponed"
    VERIFICATION_FAILED = "verification failed"
    DECIDED = "decided"
    VERDICT = "verdict"
    STOP = "stop"
    END = "end"


CAPTURING = frozenset({State.CARD, State.SELFIE, State.LIVENESS, State.ANSWERING, State.FINISH})
"""States in which frames and messages of the device may change the session."""

_TO_FIRST = frozenset({State.CARD, State.SELFIE})
"""States of the first stage: a step-up has no card."""
_TO_CARD, _TO_SELFIE, _TO_LIVENESS = (frozenset({state}) for state in (State.CARD, State.SELFIE, State.LIVENESS))
_TO_ANSWERING, _TO_FINISH, _TO_QUEUED = (frozenset({state}) for state in (State.ANSWERING, State.FINISH, State.QUEUED))
_TO_VERIFYING, _TO_STORING = (frozenset({state}) for state in (State.VERIFYING, State.STORING))
_TO_ENDED = frozenset({State.ENDED})

TRANSITIONS: Mapping[State, Mapping[Event, frozenset[State]]] = {
    State.CARD: {
        Event.STAGE_COMPLETE: _TO_CARD | _TO_SELFIE,
        Event.RETAKE: _TO_CARD,
        Event.PICTURES_EXPIRED: _TO_CARD,
        Event.TIME_EXTENDED: _TO_CARD,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.SELFIE: {
        Event.STAGE_COMPLETE: _TO_LIVENESS,
        Event.RETAKE: _TO_CARD,
        Event.PICTURES_EXPIRED: _TO_FIRST,
        Event.TIME_EXTENDED: _TO_SELFIE,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.LIVENESS: {
        Event.CHALLENGE_ASKED: _TO_ANSWERING,
        Event.RETAKE: _TO_CARD | _TO_SELFIE,
        Event.PICTURES_EXPIRED: _TO_FIRST,
        Event.TIME_EXTENDED: _TO_LIVENESS,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.ANSWERING: {
        Event.CHALLENGE_ASKED: _TO_ANSWERING,
        Event.ANSWER_COMPLETE: _TO_FINISH,
        Event.ANSWER_VOID: _TO_LIVENESS,
        Event.RETAKE: _TO_CARD | _TO_SELFIE,
        Event.PICTURES_EXPIRED: _TO_FIRST,
        Event.TIME_EXTENDED: _TO_ANSWERING,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.FINISH: {
        Event.FINISH_REQUESTED: _TO_QUEUED,
        Event.RETAKE: _TO_CARD | _TO_SELFIE,
        Event.PICTURES_EXPIRED: _TO_FIRST,
        Event.TIME_EXTENDED: _TO_FINISH,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.QUEUED: {
        Event.VERIFICATION_BEGUN: _TO_VERIFYING,
        Event.VERIFICATION_POSTPONED: _TO_FINISH,
        Event.VERIFICATION_FAILED: _TO_FIRST,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.VERIFYING: {
        Event.DECIDED: _TO_STORING,
        Event.VERIFICATION_FAILED: _TO_FIRST,
        Event.STOP: _TO_ENDED,
        Event.END: _TO_ENDED,
    },
    State.STORING: {
        Event.VERDICT: _TO_ENDED,
        Event.VERIFICATION_FAILED: _TO_FIRST,
        Event.END: _TO_ENDED,
    },
    State.ENDED: {},
}
"""Allowed transitions: for each state and event, the states that may follow."""

_STATE_BY_STAGE: Mapping[str, State] = {
    **dict.fromkeys((role.value for role in CARD_ROLES), State.CARD),
    Role.SELFIE.value: State.SELFIE,
    LIVENESS: State.LIVENESS,
    FINISH: State.FINISH,
}


class InvalidTransition(RuntimeError):
    """A transition that the table does not have: a fault of this program, never of a device."""


def state_of_stage(stage: str) -> State:
    """Returns the state in which a stage begins.

    Example:
        >>> state_of_stage("card_tilt_left")
        <State.CARD: 'card'>
    """
    return _STATE_BY_STAGE[stage]


def follow(state: State, event: Event, target: State) -> State:
    """Returns the target of an allowed transition; raises `InvalidTransition` for any other."""
    if target not in TRANSITIONS[state].get(event, ()):
        raise InvalidTransition(f"{state.value} --{event.value}--> {target.value}")
    return target
