"""Bodies, responses and examples of passkeys and step-ups in the OpenAPI description; see `openapi`."""

from typing import Any

from idproof.pipeline import Policy, Role
from idproof.service.http.openapi import (
    CHALLENGE,
    CHECK,
    OTHER_ERROR,
    VERDICT,
    VERIFY_BODY,
    problem_response,
    response,
)
from idproof.service.http.uploads import METADATA
from idproof.service.registrations.frames import FRAMES
from idproof.service.step_up.intake import HOLDER_KEY

_HOLDER_KEY_SAID = "32 bytes that the passkey gave at the login, where face templates are kept."
_STEP_UP_PARTS = (Role.SELFIE.value, FRAMES, METADATA)


def _part_of_verify(*path: str) -> dict[str, Any]:
    """Returns the entries of a registration's body that a step-up has, too."""
    node = VERIFY_BODY["requestBody"]["content"]["multipart/form-data"]
    for name in path:
        node = node[name]
    return {name: node[name] for name in _STEP_UP_PARTS}


STEP_UP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": list(_STEP_UP_PARTS),
                    "properties": _part_of_verify("schema", "properties")
                    | {HOLDER_KEY: {"type": "string", "format": "binary", "description": _HOLDER_KEY_SAID}},
                },
                "example": _part_of_verify("example"),
                "encoding": _part_of_verify("encoding"),
            }
        },
    }
}

_CEREMONY = {
    "id": "pkc_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
    "public_key": {"challenge": "6tLwGhI1…", "rpId": "idproof.example", "userVerification": "required"},
    "expires_at": "2026-11-23T09:05:00+00:00",
}
_PASSKEY_FACTS: dict[str, Any] = {"backup_eligible": True, "backed_up": False, "attested": False}
PASSKEY_BEGIN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response("The options for the browser.", "PasskeyCeremony", _CEREMONY),
    404: problem_response("The service has no passkeys."),
    409: problem_response("There is no such accepted verdict from the last minutes, or it has enough passkeys."),
    422: problem_response("The origin is none of those that are configured."),
    429: problem_response("Too many ceremonies wait for answers, or were refused; try again after `Retry-After`."),
}
PASSKEY_MADE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The passkey is bound.",
        "BoundPasskey",
        {
            "id": "pk_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "verification": VERDICT["id"],
            "subject": "sub_…",
            "binding": "eyJhbGciOiJFZERTQSIs…",
            "discoverable": True,
            "face_template": None,
        }
        | _PASSKEY_FACTS,
    ),
    403: problem_response("The passkey was not accepted."),
    404: problem_response("The service has no passkeys."),
    409: problem_response("The verdict was erased meanwhile, is too old, or has enough passkeys."),
    410: problem_response("The options were answered before, or are too old."),
}
PASSKEY_LOGIN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The login's token.",
        "PasskeyLogin",
        {"token": "eyJhbGciOiJFZERTQSIs…", "expires_in": 120, "sub": "sub_…"} | _PASSKEY_FACTS,
    ),
    403: problem_response("The passkey was not accepted."),
    404: problem_response("The service has no passkeys."),
    410: problem_response("The options were answered before, or are too old."),
}
PASSKEY_LIST_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The passkeys that this client bound to the verdict.",
        "PasskeyEntries",
        {
            "items": [
                {
                    "id": "pk_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
                    "state": "active",
                    "created_at": "2026-11-23T09:01:00+00:00",
                    "used_at": None,
                    "binding": "eyJhbGciOiJFZERTQSIs…",
                }
                | _PASSKEY_FACTS
            ]
        },
    ),
    404: problem_response("The service has no passkeys."),
}
PASSKEY_REVOKE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is revoked."},
    404: problem_response("There is no passkey of this id in force."),
}
FACE_TEMPLATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The template is kept, under the passkey's and the identity core's keys.",
        "KeptFaceTemplate",
        {"passkey": "pk_06F8Z3Q0V5M8K2T9R4C7W1X6YB", "verification": VERDICT["id"]},
    ),
    403: problem_response("The passkey was not accepted."),
    404: problem_response("The service keeps no face templates."),
    409: problem_response("No template waits for this passkey any more."),
    410: problem_response("The options were answered before, or are too old."),
    422: problem_response("The passkey gave nothing for the extension `prf`."),
}
FACE_TEMPLATE_DELETE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is destroyed."},
    404: problem_response("There is no face template of this passkey."),
}
STEP_UP_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The step-up and its challenge.",
        "OpenedStepUp",
        {
            "id": "su_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "challenge": CHALLENGE,
            "expires_at": "2026-11-23T09:10:00+00:00",
            "text_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "attempts": 3,
        },
    ),
    403: problem_response("The login cannot be used."),
    404: problem_response("The service has no passkeys."),
    409: problem_response("No records are connected, or the passkey has no face template where those are used."),
    422: problem_response("The card's data of this account are needed."),
    429: problem_response("Too many step-ups of this account were refused; try again after `Retry-After`."),
}
STEP_UP_CHALLENGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response("The challenge for the holder.", "Challenge", CHALLENGE),
    404: problem_response("The service has no passkeys."),
    409: problem_response("It has no challenges left, or is being checked."),
    410: problem_response("There is no such step-up, or it was decided, or its time is over."),
}
_STEP_UP_FACTS: dict[str, Any] = {
    "decision": "accept",
    "reasons": [],
    "checks": [CHECK | {"name": "registered_portrait_selfie"}],
    "required": ["records", "registered_portrait_selfie", "liveness"],
    "deletion": VERDICT["deletion"],
    "profile": "open",
    "started_at": "2026-11-23T09:04:00.000+00:00",
}
STEP_UP_DECISION_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The decision; with an accept, the token.",
        "StepUpDecision",
        {
            "id": "su_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "capture_level": "upload",
            "record": "eyJhbGciOiJFZERTQSIs…",
            "token": "eyJhbGciOiJFZERTQSIs…",
            "expires_in": 300,
        }
        | _STEP_UP_FACTS,
    ),
    400: problem_response("The body is malformed."),
    403: problem_response("The face template does not open with this passkey's key and the identity core's."),
    404: problem_response("The service has no passkeys."),
    408: problem_response("The body came too slowly."),
    409: problem_response("It is being checked, or the records hold no portrait that can be compared with."),
    410: problem_response("The step-up's or the challenge's time is over, or it was decided."),
    413: problem_response("A capture or the body is too large."),
    415: problem_response("A capture or the body has an unsupported format."),
    422: problem_response("A capture cannot be used, or the challenge was answered before."),
    429: problem_response("The client has too many requests; try again after `Retry-After`."),
    503: problem_response(
        "The records or the identity core do not answer, or all slots are used; nothing was decided."
    ),
}
STEP_UP_STATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The state of the step-up, and its decision while that is kept.",
        "StepUpState",
        {
            "id": "su_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "state": "open",
            "expires_at": "2026-11-23T09:10:00+00:00",
            "decision": None,
        },
    ),
    404: problem_response("The service has no passkeys."),
    410: problem_response("There is no such step-up of this client any more."),
}
STEP_UP_TOKEN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The claims of the token, which is used up.",
        "StepUpToken",
        {
            "iss": "idproof",
            "iat": 1795424400,
            "exp": 1795424700,
            "jti": "su_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "aud": "client",
            "sub": "sub_…",
            "login": "pkc_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
            "text_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "capture_level": "upload",
            "policy": Policy().version,
            "record_sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        },
    ),
    403: problem_response("The token is not in force for this client and text."),
    404: problem_response("The service has no passkeys."),
}
