"""Responses and examples of reviews in the OpenAPI description; see `openapi`."""

from typing import Any

from idproof.service.http.openapi import OTHER_ERROR, VERDICT, problem_response, response

_OFF = "The service has no reviews, or there is none of this id."
_NOT_ACTIVE = "The client's enrolment is not in force."
_NOT_CLAIMED = "The officer does not hold the review."

_ENTRY: dict[str, Any] = {
    "id": "rev_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
    "registration": "reg_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
    "verification": VERDICT["id"],
    "state": "claimed",
    "reasons": ["face_similarity_low"],
    "opened_at": "2026-11-23T09:00:05+00:00",
    "age_s": 240,
    "claimed_by": "HK-0421",
    "claim_ends_at": "2026-11-23T09:19:05+00:00",
    "mine": True,
    "own_opinion": False,
    "pictures_until": None,
    "outcome": None,
}
_REVIEWER: dict[str, Any] = {
    "id": "rvw_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
    "client": "client:1f2e3d4c5b6a",
    "officer": "HK-0421",
    "state": "active",
    "created_at": "2026-11-20T09:00:00+00:00",
    "confirmed_by": "client:6a5b4c3d2e1f",
    "fingerprint": "9f86 d081 884c 7d65 9a2f eaa0 c55a d015",
}
_ANSWER: dict[str, Any] = {
    "review": _ENTRY["id"],
    "registration": _ENTRY["registration"],
    "statement": "eyJhbGciOiJFZERTQSIs…",
    "outcome": {"decision": "accept", "reason": "records_confirm"},
}
_ATTEMPT = {
    "verification": VERDICT["id"],
    "decision": "refer",
    "reasons": ["face_similarity_low"],
    "step": "counter",
    "at": "2026-11-23T09:00:05+00:00",
}
_DETAIL: dict[str, Any] = _ENTRY | {
    "first_officer": None,
    "attempts": [_ATTEMPT],
    "decisions": {"accept": ["doubt_explained", "records_confirm", "pictures_convince"]},
    "verdict": {name: VERDICT[name] for name in ("id", "checks", "required", "fields", "form")},
    "texts": {"face_similarity_low": "The face is not similar enough to the portrait on the card."},
}

Responses = dict[int | str, dict[str, Any]]
QUEUE_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("One page of the queue.", "ReviewPage", {"items": [_ENTRY], "next": None}),
    403: problem_response(_NOT_ACTIVE),
    404: problem_response(_OFF),
}
READ_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("What the officer decides by.", "ReviewDetail", _DETAIL),
    403: problem_response(_NOT_ACTIVE),
    404: problem_response(_OFF),
    409: problem_response(_NOT_CLAIMED),
}
CLAIM_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("The review is the officer's until `claim_ends_at`.", "ReviewEntry", _ENTRY),
    403: problem_response(_NOT_ACTIVE),
    404: problem_response(_OFF),
    409: problem_response("Somebody else holds it, it is over, or the officer gave the first opinion."),
}
RELEASE_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    204: {"description": "It is in the queue again."},
    403: problem_response(_NOT_ACTIVE),
    404: problem_response(_OFF),
    409: problem_response(_NOT_CLAIMED),
}
PICTURES_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response(
        "The pictures for this officer's browser alone; this officer gets them once.",
        "SealedPictures",
        {"key": "BJ3k…", "pictures": {"selfie": "qTf0…"}},
    ),
    403: problem_response(_NOT_ACTIVE),
    404: problem_response(_OFF),
    409: problem_response(_NOT_CLAIMED),
    410: problem_response("There are no pictures for this officer, or no longer."),
}
DECISION_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    201: response("The opinion is recorded; with an outcome the registration is decided.", "ReviewAnswer", _ANSWER),
    403: problem_response("The client's enrolment is not in force, or is another officer's."),
    404: problem_response(_OFF),
    409: problem_response("The officer does not hold the review, or gave the first opinion, or it is decided."),
    422: problem_response("The reason does not belong to the decision."),
}
ENROL_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    201: response("The enrolment, which waits for a confirmation.", "ReviewerEntry", _REVIEWER),
    404: problem_response("The service has no reviews."),
    409: problem_response("The client is another officer, or the officer another client, or too many wait."),
    422: problem_response("The key is no point of P-256."),
}
REVIEWER_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("The own enrolment.", "ReviewerEntry", _REVIEWER),
    404: problem_response("The service has no reviews, or this client no enrolment."),
}
REVIEWERS_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("All enrolments.", "ReviewerEntries", {"items": [_REVIEWER]}),
    404: problem_response("The service has no reviews."),
}
CONFIRM_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    200: response("The enrolment is in force.", "ReviewerEntry", _REVIEWER),
    404: problem_response(_OFF),
    409: problem_response("It does not wait, or it is the client's own, or the fingerprint differs."),
}
REVOKE_RESPONSES: Responses = {
    "default": OTHER_ERROR,
    204: {"description": "It is revoked."},
    404: problem_response("The service has no reviews, or there is no enrolment of this id in force."),
}
