"""The parts of the OpenAPI 3.1 description that the framework cannot derive: bodies, responses and examples."""

from datetime import UTC, datetime
from typing import Any

from idproof.pipeline import Policy, Role
from idproof.pipeline.liveness.challenge import draw
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES
from idproof.service.http import schemas
from idproof.service.http.problems import MEDIA_TYPE
from idproof.service.http.uploads import METADATA, Metadata
from idproof.service.registrations.frames import FRAMES

ABOUT: dict[str, Any] = {
    "title": "idproof",
    "version": "1",
    "docs_url": None,  # `docs_page` has one that asks no other host
    "redoc_url": None,
    "summary": "Remote identity proofing: a card seen from three angles, a face, one signed verdict.",
    "description": (
        "Pictures stay in memory for one verification and are overwritten before the response is sent; each verdict "
        "carries the deletion receipt. Every error is a problem details object (RFC 9457) with a stable `code`."
    ),
}

_PICTURE = {"type": "string", "format": "binary", "description": "JPEG, PNG or (if installed) HEIC; 8 bits, still."}
_ROLE_DESCRIPTIONS = {
    Role.CARD_FRONT: "The card's front, face on.",
    Role.CARD_TILT_LEFT: "The card turned so that its left edge is nearer, by 15 to 30 degrees.",
    Role.CARD_TILT_RIGHT: "The card turned so that its right edge is nearer, by 15 to 30 degrees.",
    Role.SELFIE: "The applicant's face.",
}


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Returns a schema with its references replaced by what they refer to: this body has no components."""
    if isinstance(node, list):
        return [_inlined(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(entry, definitions) for name, entry in node.items() if name != "$defs"}


_LIVENESS = {"frames": [{"captured_ms": 33.3 * index, "number": index} for index in range(MIN_FRAMES)]}
_METADATA_SCHEMA = Metadata.model_json_schema()
VERIFY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [role.value for role in Role],
                    "properties": {
                        **{role.value: _PICTURE | {"description": text} for role, text in _ROLE_DESCRIPTIONS.items()},
                        FRAMES: {
                            "type": "array",
                            "items": _PICTURE,
                            "minItems": MIN_FRAMES,
                            "maxItems": MAX_FRAMES,
                            "description": "Frames that answer the session's challenge, one part per frame, in order.",
                        },
                        METADATA: _inlined(_METADATA_SCHEMA, _METADATA_SCHEMA["$defs"]),
                    },
                },
                "example": {
                    **{role.value: f"(bytes of {role.value}.jpg)" for role in Role},
                    FRAMES: [f"(bytes of frame {index})" for index in range(MIN_FRAMES)],
                    METADATA: {"reference": "registration-000017", "document": "hkid-2018", "liveness": _LIVENESS},
                },
                "encoding": {
                    **{role.value: {"contentType": "image/jpeg, image/png, image/heic"} for role in Role},
                    FRAMES: {"contentType": "image/jpeg, image/png"},
                    METADATA: {"contentType": "application/json"},
                },
            }
        },
    }
}
CHECK = {
    "name": "face_comparison",
    "status": "assessed",
    "outcome": "pass",
    "value": 0.6139,
    "unit": "cosine",
    "score": 0.807,
    "reason": None,
    "limit": 0.3926,
}
VERDICT: dict[str, Any] = {
    "id": "ver_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
    "version": "1",
    "decision": "accept",
    "reasons": [],
    "checks": [CHECK],
    "document_type": "hkid-2018",
    "fields": {
        "number": {"text": "A123456(3)", "confidence": 0.99, "certain": True, "corrections": [], "alternatives": []}
    },
    "form": {"number": "A123456(3)"},
    "not_performed": ["liveness", "records_check"],
    "policy": Policy().version,
    "profile": "open",
    "weights": {"face_recognition_sface_2021dec_int8bq.onnx": "fb143eea…"},
    "started_at": "2026-11-23T09:00:00.000+00:00",
    "timings_ms": {"capture": 40.1, "card": 1100.0, "fields": 760.2, "face": 140.5, "wipe": 1.8},
    "deletion": {
        "wiped": [
            {
                "kind": "upload",
                "count": 4,
                "bytes": 1048576,
                "wiped_at": "2026-11-23T09:00:02.000+00:00",
                "roles": ["card_front", "card_tilt_left", "card_tilt_right", "selfie"],
            }
        ],
        "mechanism": "overwritten with zeros, then released",
        "guards": ["malloc_perturb", "small_objects_perturb", "no_core_dumps", "not_dumpable"],
        "outstanding": 0,
    },
    "reference": "registration-000017",
    "session": {"id": "cs_06F8Z3PZ3V5M8K2T9R4C7W1X6Y", "nonce": "6tLwGhI1…"},
    "registration": "reg_06F8Z3PA3V5M8K2T9R4C7W1X6Y",
    "guardian": None,
    "core_only": None,
    "jws": "eyJhbGciOiJFZERTQSIs…",
    "texts": {},
    "required": ["face_comparison"],
    "capture_level": "upload",
    "injectable": True,
}
_PROBLEM: dict[str, Any] = {
    "type": "urn:idproof:problem:card_not_found",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "The card in card_tilt_left is cut off; show the whole card.",
    "code": "card_not_found",
    "capture": "card_tilt_left",
}


def response(
    description: str, schema: str, example: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    """Returns the description of a response with a named schema and an example."""
    content = {"schema": schemas.reference(schema), "example": example}
    return {"description": description, "content": {media_type: content}}


def problem_response(description: str) -> dict[str, Any]:
    """Returns the description of a response with problem details."""
    return response(description, schemas.Problem.__name__, _PROBLEM, MEDIA_TYPE)


ACCESS_PROBLEMS = {
    "401": "No key or token, or one that is not in force.",
    "403": "The key or token lacks the scope.",
    "429": "Too many requests; try again after `Retry-After`.",
}
"""Problems of every request that needs a key, by status."""


# It also replaces the framework's own description of validation errors, which this service never sends.
OTHER_ERROR = problem_response("Any other error.")
VERIFY_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response("The signed verdict: accept, refer or reject.", "Verdict", VERDICT),
    400: problem_response("The body is malformed."),
    429: problem_response("The device is locked, or the client has too many requests; try again after `Retry-After`."),
    408: problem_response("The pictures' lifetime ended before the body was complete."),
    413: problem_response("A capture or the body is too large."),
    415: problem_response("A capture or the body has an unsupported format."),
    422: problem_response("A capture cannot be used; capture it again. Nothing was decided about the applicant."),
    503: problem_response("All slots are used; try again after `Retry-After`."),
}
_RUNNING = {"id": VERDICT["id"], "status": "running"}
VERIFY_RESPONSES |= {
    202: response("The verification continues; query `Location`.", "RunningVerification", _RUNNING),
    409: problem_response("The session was used, or the same registration is being verified."),
    410: problem_response("The capture session's time is over."),
}
CHALLENGE = draw(bytes(32), issued_at=datetime(2026, 11, 23, 9, tzinfo=UTC)).to_json()
CHALLENGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response("The challenge for the applicant.", "Challenge", CHALLENGE),
    409: problem_response("The session was used, or has no challenges left."),
    410: problem_response("The capture session's time is over."),
    422: problem_response("There is no such capture session."),
    429: problem_response(
        "The device is locked, or too many challenges are unanswered; try again after `Retry-After`."
    ),
}
SESSION_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "An open capture session.",
        "OpenedSession",
        {
            "id": VERDICT["session"]["id"],
            "nonce": VERDICT["session"]["nonce"],
            "challenge": CHALLENGE,
            "capture_plan": None,
            "expires_at": "2026-11-23T09:10:00+00:00",
            "attempts": 3,
        },
    ),
}
SESSION_RESPONSES |= {
    403: problem_response("The permit cannot be used here, or not for these options."),
    429: problem_response("The device is locked, or too many sessions are unused; try again after `Retry-After`."),
}
PERMIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The permit; its code is shown only here.",
        "GrantedPermit",
        {
            "id": "pmt_0123456789abcdef",
            "permit": "K7M2P-9QX4D",
            "options": ["cannot_turn"],
            "expires_at": "2026-11-23T09:15:00+00:00",
        },
    ),
    404: problem_response("There is no such device."),
    422: problem_response("These options together would leave too weak a challenge."),
}
OFFER_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The offer; its secrets are shown only here.",
        "CredentialOffer",
        {
            "link": "openid-credential-offer://?credential_offer=…",
            "qr": ["000000", "011110", "…"],
            "transaction_code": "493536",
            "expires_at": "2026-11-23T09:15:00+00:00",
        },
    ),
    404: problem_response("There is no verification of this id, or this service issues no credentials."),
    409: problem_response("Nothing of this registration waits to be issued, or it was offered thrice."),
}
REVOCATION_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("How many copies were in force.", "Revocation", {"revoked": 10}),
    404: problem_response("No credential of this registration is known, or this service issues none."),
}
_SUMMARY = {name: VERDICT[name] for name in ("id", "decision", "reasons", "document_type", "reference", "started_at")}
LIST_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("One page; `next` is null on the last one.", "VerdictPage", {"items": [_SUMMARY], "next": None}),
}
READ_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response("The verdict as it was given.", "Verdict", VERDICT),
    202: response("It is still being verified.", "RunningVerification", _RUNNING),
    410: problem_response("It was lost when the server ended; send it again."),
    422: problem_response("Sent with `respond-async`, and a capture could not be used."),
    404: problem_response("There is no verification of this id."),
}
ERASE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is erased."},
    404: problem_response("There is no verification of this id."),
}
METRICS_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: {
        "description": "Text format.",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": 'idproof_decisions_total{decision="accept"} 7'}
        },
    },
}
KIOSK_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "Streaming devices, their states and counts.",
        "Kiosks",
        {
            "at": "2026-01-01T00:00:00+00:00",
            "places": {"used": 0, "of": 9},
            "waiting": 0,
            "devices": [
                {"device": "0123456789abcdef", "name": "Counter 3", "state": "selfie", "started": 12, "hints": {}}
            ],
        },
    ),
}
KIOSK_CALL_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "The call is acknowledged."},
    404: problem_response("No such device calls for staff."),
}
KIOSK_DAYS_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: {
        "description": "The counts by day and device (RFC 4180).",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
}
UNKNOWN_PARAMETER: dict[int | str, dict[str, Any]] = {
    422: problem_response("The request has a parameter that is not documented.")
}


def plain_response(schema: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Returns the description of a public request's only response."""
    return {200: {"description": description, "content": {"application/json": {"schema": schemas.reference(schema)}}}}


_NOT_READY = {"status": "not ready", "checks": {"networks": True, "keys": True, "database": False}}
READY_RESPONSES = plain_response("Readiness", "Ready.") | {503: response("Not ready.", "Readiness", _NOT_READY)}
