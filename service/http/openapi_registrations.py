"""Responses and examples of registrations in the OpenAPI description; see `openapi`."""

from typing import Any

from idproof.service.http.openapi import OTHER_ERROR, VERDICT, problem_response, response

REGISTRATION: dict[str, Any] = {
    "id": VERDICT["registration"],
    "status": "needs_new_capture",
    "reference": "registration-000017",
    "opened_at": "2026-11-23T09:00:00+00:00",
    "changed_at": "2026-11-23T09:04:00+00:00",
    "expires_at": "2026-12-07T09:00:00+00:00",
    "attempts": [
        {
            "verification": VERDICT["id"],
            "decision": "refer",
            "reasons": ["card_overexposed"],
            "step": "capture",
            "at": "2026-11-23T09:04:00+00:00",
        }
    ],
    "attempts_left": 2,
    "verification": VERDICT["id"],
    "next": {
        "step": "capture",
        "captures": ["card"],
        "advice": ["less_glare"],
        "text": "Please take new pictures. Move away from bright lamps, so that nothing on the card is washed out.",
    },
    "history": [
        {
            "number": 1,
            "event": "opened",
            "status": "open",
            "at": "2026-11-23T09:00:00.000+00:00",
            "verification": None,
            "statement": None,
        }
    ],
}
_UNKNOWN = problem_response("There is no registration of this id.")
OPEN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response("The registration; name it with its captures.", "RegistrationResource", REGISTRATION),
}
READ_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("The registration.", "RegistrationResource", REGISTRATION),
    404: _UNKNOWN,
}
LIST_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "One page; `next` is null on the last one.", "RegistrationPage", {"items": [REGISTRATION], "next": None}
    ),
}
TICKET_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The ticket; its code is shown only here.",
        "CounterTicket",
        {"code": "K7M2P-9QX4D", "qr": ["000000", "011110", "…"], "expires_at": "2026-11-30T09:00:00+00:00"},
    ),
    404: _UNKNOWN,
    409: problem_response("The registration goes to no counter in its present status."),
}
TICKET_REVOKE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "The ticket is void."},
    404: problem_response("The registration has no ticket in force."),
}
VISIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The registration is open at this counter.",
        "CounterVisit",
        {
            "registration": REGISTRATION["id"],
            "status": "at_counter",
            "attempts": REGISTRATION["attempts"],
            "captured": VERDICT["id"],
            "capture": {
                "verification": VERDICT["id"],
                "decision": "refer",
                "reasons": ["card_overexposed"],
                "checks": [
                    {"name": "hologram_response", "outcome": "doubt", "reason": "card_overexposed", "required": True}
                ],
                "acceptable": True,
            },
            "texts": {"card_overexposed": "Too much of the card is washed out by light. …"},
            "expires_at": "2026-11-23T10:00:00+00:00",
        },
    ),
    403: problem_response("No ticket in force has this code at this counter."),
    429: problem_response("Too many wrong codes; try again after `Retry-After`."),
}
COUNTER_DECISION_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The decision, signed.",
        "CounterDecision",
        {"registration": REGISTRATION["id"], "status": "accepted", "statement": "eyJhbGciOiJFZERTQSIs…"},
    ),
    403: problem_response("No ticket in force has this code at this counter."),
    409: problem_response("The captures taken here do not allow an accept."),
    429: problem_response("Too many wrong codes; try again after `Retry-After`."),
}
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CONSENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("The text.", "GuardianConsent", {"text": "I am a parent or guardian…", "sha256": _SHA256}),
    404: problem_response("The service registers without guardians."),
}
GUARDIAN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The guardian joined.",
        "JoinedGuardian",
        {"verification": VERDICT["id"], "consent_sha256": _SHA256, "joined_at": "2026-11-23T09:00:00.000+00:00"},
    ),
    403: problem_response("The guardian cannot join with this verdict."),
    404: problem_response("The service registers without guardians."),
    409: problem_response("The session was used."),
    410: problem_response("The capture session's time is over."),
}
ERASE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is erased with its verdicts."},
    404: _UNKNOWN,
}
ERASE_PERSON_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("How many verdicts were erased.", "Erased", {"verdicts": 2}),
}
REDELIVER_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    202: response("How many deliveries are made again.", "Redelivered", {"deliveries": 3}),
    404: problem_response("Nothing was delivered about this id."),
}
