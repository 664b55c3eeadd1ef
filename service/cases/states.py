"""Statuses of a registration, and the table of transitions. `docs/after-refer.md` prints it; a test compares them."""

from collections.abc import Mapping
from enum import StrEnum


class RegistrationStatus(StrEnum):
    """Status of a registration."""

    OPEN = "open"
    ACCEPTED = "accepted"
    IN_REVIEW = "in_review"
    NEEDS_NEW_CAPTURE = "needs_new_capture"
    AT_COUNTER = "at_counter"
    REFUSED = "refused"
    EXPIRED = "expired"


class RegistrationEvent(StrEnum):
    """Cause of a transition: codes in events to the identity core. `OPENED` makes the registration."""

    OPENED = "opened"
    VERDICT_ACCEPTED = "verdict_accepted"
    VERDICT_TO_CAPTURE = "verdict_to_capture"
    VERDICT_TO_RECORDS = "verdict_to_records"
    VERDICT_TO_REVIEW = "verdict_to_review"
    VERDICT_TO_COUNTER = "verdict_to_counter"
    VERDICT_REFUSED = "verdict_refused"
    RECORDS_UNANSWERED = "records_unanswered"
    COUNTER_CHOSEN = "counter_chosen"
    REVIEW_ACCEPTED = "review_accepted"
    REVIEW_TO_CAPTURE = "review_to_capture"
    REVIEW_TO_COUNTER = "review_to_counter"
    REVIEW_REFUSED = "review_refused"
    COUNTER_CAPTURED = "counter_captured"
    COUNTER_ACCEPTED = "counter_accepted"
    COUNTER_REFUSED = "counter_refused"
    EXPIRED = "expired"


_Status, _Event = RegistrationStatus, RegistrationEvent
_OF_A_VERDICT: Mapping[RegistrationEvent, RegistrationStatus] = {
    _Event.VERDICT_ACCEPTED: _Status.ACCEPTED,
    _Event.VERDICT_TO_CAPTURE: _Status.NEEDS_NEW_CAPTURE,
    _Event.VERDICT_TO_RECORDS: _Status.OPEN,
    _Event.VERDICT_TO_REVIEW: _Status.IN_REVIEW,
    _Event.VERDICT_TO_COUNTER: _Status.AT_COUNTER,
    _Event.VERDICT_REFUSED: _Status.REFUSED,
    _Event.COUNTER_CHOSEN: _Status.AT_COUNTER,
    _Event.EXPIRED: _Status.EXPIRED,
}
TRANSITIONS: Mapping[RegistrationStatus, Mapping[RegistrationEvent, RegistrationStatus]] = {
    _Status.OPEN: {**_OF_A_VERDICT, _Event.RECORDS_UNANSWERED: _Status.NEEDS_NEW_CAPTURE},
    _Status.NEEDS_NEW_CAPTURE: _OF_A_VERDICT,
    _Status.IN_REVIEW: {
        _Event.REVIEW_ACCEPTED: _Status.ACCEPTED,
        _Event.REVIEW_TO_CAPTURE: _Status.NEEDS_NEW_CAPTURE,
        _Event.REVIEW_TO_COUNTER: _Status.AT_COUNTER,
        _Event.REVIEW_REFUSED: _Status.REFUSED,
        _Event.EXPIRED: _Status.EXPIRED,
    },
    _Status.AT_COUNTER: {
        _Event.COUNTER_CAPTURED: _Status.AT_COUNTER,
        _Event.COUNTER_ACCEPTED: _Status.ACCEPTED,
        _Event.COUNTER_REFUSED: _Status.REFUSED,
        _Event.EXPIRED: _Status.EXPIRED,
    },
    _Status.ACCEPTED: {},
    _Status.REFUSED: {},
    _Status.EXPIRED: {},
}
CAPTURING = frozenset({_Status.OPEN, _Status.NEEDS_NEW_CAPTURE})
"""Statuses in which the applicant may send captures."""
UNFINISHED = frozenset(status for status, events in TRANSITIONS.items() if events)
"""Statuses in which something can still change."""


def follows(status: RegistrationStatus, event: RegistrationEvent) -> RegistrationStatus | None:
    """Returns the status that follows an event, or None if the status does not take it.

    Example:
        >>> follows(RegistrationStatus.IN_REVIEW, RegistrationEvent.REVIEW_ACCEPTED)
        <RegistrationStatus.ACCEPTED: 'accepted'>
    """
    return TRANSITIONS[status].get(event)
