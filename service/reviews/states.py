"""States of reviews and of reviewers, and the tables of transitions. `docs/reviews.md` prints them; a test compares."""

from collections.abc import Mapping
from enum import StrEnum


class ReviewState(StrEnum):
    """State of a review."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    WAITING_SECOND = "waiting_second"
    CLAIMED_SECOND = "claimed_second"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class ReviewEvent(StrEnum):
    """Cause of a transition of a review."""

    CLAIMED = "claimed"
    RELEASED = "released"
    LAPSED = "lapsed"
    PROPOSED = "proposed"
    CONCLUDED = "concluded"
    WITHDRAWN = "withdrawn"


class ReviewerState(StrEnum):
    """State of a reviewer's enrolment."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


class ReviewerEvent(StrEnum):
    """Cause of a transition of a reviewer's enrolment."""

    CONFIRMED = "confirmed"
    REVOKED = "revoked"


_State, _Event = ReviewState, ReviewEvent
REVIEW_TRANSITIONS: Mapping[ReviewState, Mapping[ReviewEvent, ReviewState]] = {
    _State.WAITING: {_Event.CLAIMED: _State.CLAIMED, _Event.WITHDRAWN: _State.WITHDRAWN},
    _State.CLAIMED: {
        _Event.RELEASED: _State.WAITING,
        _Event.LAPSED: _State.WAITING,
        _Event.PROPOSED: _State.WAITING_SECOND,
        _Event.CONCLUDED: _State.DECIDED,
        _Event.WITHDRAWN: _State.WITHDRAWN,
    },
    _State.WAITING_SECOND: {_Event.CLAIMED: _State.CLAIMED_SECOND, _Event.WITHDRAWN: _State.WITHDRAWN},
    _State.CLAIMED_SECOND: {
        _Event.RELEASED: _State.WAITING_SECOND,
        _Event.LAPSED: _State.WAITING_SECOND,
        _Event.CONCLUDED: _State.DECIDED,
        _Event.WITHDRAWN: _State.WITHDRAWN,
    },
    _State.DECIDED: {},
    _State.WITHDRAWN: {},
}
REVIEWER_TRANSITIONS: Mapping[ReviewerState, Mapping[ReviewerEvent, ReviewerState]] = {
    ReviewerState.PENDING: {
        ReviewerEvent.CONFIRMED: ReviewerState.ACTIVE,
        ReviewerEvent.REVOKED: ReviewerState.REVOKED,
    },
    ReviewerState.ACTIVE: {ReviewerEvent.REVOKED: ReviewerState.REVOKED},
    ReviewerState.REVOKED: {},
}
CLAIMED_STATES = frozenset({_State.CLAIMED, _State.CLAIMED_SECOND})
"""States in which one reviewer holds the review."""
UNFINISHED = frozenset(state for state, events in REVIEW_TRANSITIONS.items() if events)
"""States in which something can still change."""


def follows(state: ReviewState, event: ReviewEvent) -> ReviewState | None:
    """Returns the state that follows an event, or None if the state does not take it.

    Example:
        >>> follows(ReviewState.CLAIMED, ReviewEvent.LAPSED)
        <ReviewState.WAITING: 'waiting'>
    """
    return REVIEW_TRANSITIONS[state].get(event)
