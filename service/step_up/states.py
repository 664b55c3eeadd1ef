"""States of a step-up, and the table of transitions. `docs/passkeys.md` prints it; a test compares the two."""

from collections.abc import Mapping
from enum import StrEnum


class StepUpState(StrEnum):
    """State of a step-up."""

    OPEN = "open"
    CHECKING = "checking"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SPENT = "spent"


class StepUpEvent(StrEnum):
    """Cause of a transition."""

    CHECK_BEGUN = "check begun"
    CHECK_FAILED = "check failed"
    ATTEMPTS_USED = "attempts used"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TOKEN_USED = "token used"  # noqa: S105 - the name of an event


TRANSITIONS: Mapping[StepUpState, Mapping[StepUpEvent, StepUpState]] = {
    StepUpState.OPEN: {StepUpEvent.CHECK_BEGUN: StepUpState.CHECKING},
    StepUpState.CHECKING: {
        StepUpEvent.CHECK_FAILED: StepUpState.OPEN,
        StepUpEvent.ATTEMPTS_USED: StepUpState.REFUSED,
        StepUpEvent.ACCEPTED: StepUpState.ACCEPTED,
        StepUpEvent.REFUSED: StepUpState.REFUSED,
    },
    StepUpState.ACCEPTED: {StepUpEvent.TOKEN_USED: StepUpState.SPENT},
    StepUpState.REFUSED: {},
    StepUpState.SPENT: {},
}


def transition(event: StepUpEvent) -> tuple[StepUpState, StepUpState]:
    """Returns the one state that takes an event, and the state that follows.

    Example:
        >>> transition(StepUpEvent.TOKEN_USED)
        (<StepUpState.ACCEPTED: 'accepted'>, <StepUpState.SPENT: 'spent'>)
    """
    ((source, target),) = ((state, targets[event]) for state, targets in TRANSITIONS.items() if event in targets)
    return source, target
