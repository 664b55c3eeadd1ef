"""States of a presentation, and the table of transitions. `docs/presentations.md` prints it; a test compares the two.

A response is taken before it is checked, so a presentation is answered once, whatever the answer is.
"""

from collections.abc import Mapping
from enum import StrEnum


class PresentationState(StrEnum):
    """State of a presentation."""

    OPEN = "open"
    FETCHED = "fetched"
    CHECKING = "checking"
    HELD = "held"
    GIVEN = "given"
    REFUSED = "refused"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class PresentationEvent(StrEnum):
    """Cause of a transition."""

    REQUEST_FETCHED = "request fetched"
    RESPONSE_ARRIVED = "response arrived"
    RESPONSE_HOLDS = "response passed every check"
    RESPONSE_DOES_NOT_HOLD = "response failed a check"
    HOLDER_DECLINED = "holder declined"
    CLAIMS_GIVEN = "claims given"
    WITHDRAWN = "withdrawn"


_WITHDRAWN = {PresentationEvent.WITHDRAWN: PresentationState.WITHDRAWN}
TRANSITIONS: Mapping[PresentationState, Mapping[PresentationEvent, PresentationState]] = {
    PresentationState.OPEN: {PresentationEvent.REQUEST_FETCHED: PresentationState.FETCHED, **_WITHDRAWN},
    PresentationState.FETCHED: {PresentationEvent.RESPONSE_ARRIVED: PresentationState.CHECKING, **_WITHDRAWN},
    PresentationState.CHECKING: {
        PresentationEvent.RESPONSE_HOLDS: PresentationState.HELD,
        PresentationEvent.RESPONSE_DOES_NOT_HOLD: PresentationState.REFUSED,
        PresentationEvent.HOLDER_DECLINED: PresentationState.DECLINED,
        **_WITHDRAWN,
    },
    PresentationState.HELD: {PresentationEvent.CLAIMS_GIVEN: PresentationState.GIVEN, **_WITHDRAWN},
    PresentationState.GIVEN: {},
    PresentationState.REFUSED: {},
    PresentationState.DECLINED: {},
    PresentationState.WITHDRAWN: {},
}


def transition(event: PresentationEvent) -> tuple[tuple[PresentationState, ...], PresentationState]:
    """Returns the states that take an event, and the state that follows.

    Example:
        >>> transition(PresentationEvent.CLAIMS_GIVEN)
        ((<PresentationState.HELD: 'held'>,), <PresentationState.GIVEN: 'given'>)
    """
    sources = tuple(state for state, targets in TRANSITIONS.items() if event in targets)
    return sources, TRANSITIONS[sources[0]][event]
