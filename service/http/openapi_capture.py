"""The parts of the OpenAPI description that are about capture tokens."""

from typing import Any

from idproof.service.http.openapi import OTHER_ERROR, problem_response, response

_ID, _EXPIRES = "0123456789abcdef", "2026-11-30T09:10:00+00:00"
TOKEN_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The token, which is shown only here.",
        "IssuedCaptureToken",
        {
            "id": _ID,
            "token": f"idpc_{_ID}_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "origin": "https://shop.example",
            "expires_at": _EXPIRES,
        },
    ),
    404: problem_response("There is no such registration of this client."),
    422: problem_response("Pages of this origin may not capture."),
}
STATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "What became of it.",
        "CaptureTokenState",
        {
            "id": _ID,
            "state": "done",
            "handed_off": False,
            "session": "cs_01JDXYZ0000000000000000000",
            "verification": "ver_01JDXYZ0000000000000000000",
            "expires_at": _EXPIRES,
        },
    ),
    404: problem_response("There is no such token of this client."),
}
REVOKE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is revoked."},
    404: problem_response("There is no such token of this client in force."),
}
