"""The decisions of reviewers, the reasons that each one takes, and the outcome of two opinions."""

from collections.abc import Mapping
from enum import StrEnum


class ReviewDecision(StrEnum):
    """A reviewer's decision about a registration."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    NEW_CAPTURE = "new_capture"
    COUNTER = "counter"


class ReviewReason(StrEnum):
    """Code of a reviewer's reason."""

    DOUBT_EXPLAINED = "doubt_explained"
    RECORDS_CONFIRM = "records_confirm"
    PICTURES_CONVINCE = "pictures_convince"
    CARD_NOT_GENUINE = "card_not_genuine"
    OTHER_PERSON = "other_person"
    NOBODY_PRESENT = "nobody_present"
    CAPTURES_UNUSABLE = "captures_unusable"
    PERSON_MUST_BE_SEEN = "person_must_be_seen"
    REVIEWERS_DISAGREE = "reviewers_disagree"


REASONS: Mapping[ReviewDecision, tuple[ReviewReason, ...]] = {
    ReviewDecision.ACCEPT: (
        ReviewReason.DOUBT_EXPLAINED,
        ReviewReason.RECORDS_CONFIRM,
        ReviewReason.PICTURES_CONVINCE,
    ),
    ReviewDecision.REFUSE: (ReviewReason.CARD_NOT_GENUINE, ReviewReason.OTHER_PERSON, ReviewReason.NOBODY_PRESENT),
    ReviewDecision.NEW_CAPTURE: (ReviewReason.CAPTURES_UNUSABLE,),
    ReviewDecision.COUNTER: (ReviewReason.PERSON_MUST_BE_SEEN,),
}
"""Reasons that a reviewer may give for each decision. Only the service gives `REVIEWERS_DISAGREE`."""

FINAL = frozenset({ReviewDecision.ACCEPT, ReviewDecision.REFUSE})
"""Decisions that end a registration: these need two officers where the policy asks for two. The others lead on to new
captures or to a person, so one officer suffices."""


def together(first: ReviewDecision, second: ReviewDecision) -> ReviewDecision:
    """Returns the outcome of two opinions: their common decision, or a counter, where staff see the person.

    Example:
        >>> together(ReviewDecision.ACCEPT, ReviewDecision.REFUSE)
        <ReviewDecision.COUNTER: 'counter'>
    """
    return first if first is second else ReviewDecision.COUNTER
