"""Answers and examples of presentations in the OpenAPI description; see `openapi`."""

from typing import Any

from idproof.service.http.openapi import OTHER_ERROR, problem_response, response

_ID = "prs_06F8Z3Q0V5M8K2T9R4C7W1X6YB"
_OFF = "There is no presentation of this id, or the service asks for none."
_CONSENT = {
    "title": "Example Library asks for data of your proof of identity",
    "what": "It asks for these data. Your wallet shows nothing else:",
    "claims": ["Whether you were 18 years old or older on the day of issue"],
    "purpose_title": "Purpose",
    "purpose": "To open a library account.",
    "kept": "Example Library does not keep it.",
    "checks": "Example Library also learns who issued your proof of identity, …",
    "choice": "Your wallet asks you again before anything is sent. …",
    "receipt": "A receipt names who asked, for which data, when and for which purpose. It does not contain your data.",
    "after": "When your wallet has answered, return to Example Library.",
}
ASKED_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    201: response(
        "The request; its link is shown only here.",
        "PresentationQuestion",
        {
            "id": _ID,
            "link": "openid4vp://?client_id=x509_hash%3A…&request_uri=…",
            "page": "https://library.example/v1/presentation-requests/…/page",
            "consent": {"en": _CONSENT, "zh-Hant": _CONSENT, "zh-Hans": _CONSENT},
            "qr": ["000000", "011110", "…"],
            "expires_at": "2026-11-23T09:05:00+00:00",
        },
    ),
    404: problem_response("The service asks for no presentations."),
    422: problem_response("The page to return to is none of those that are configured."),
}
STATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The state.",
        "PresentationState",
        {
            "id": _ID,
            "state": "fetched",
            "code": None,
            "asked_at": "2026-11-23T09:00:00+00:00",
            "expires_at": "2026-11-23T09:05:00+00:00",
        },
    ),
    404: problem_response(_OFF),
}
ERASED_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    204: {"description": "It is erased."},
    404: problem_response(_OFF),
}
CLAIMS_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The claims; they are erased here.",
        "PresentedClaims",
        {
            "id": _ID,
            "claims": {"over_18": True},
            "format": "dc+sd-jwt",
            "issuer": "https://idproof.example",
            "valid_until": "2027-02-21T00:00:00+00:00",
            "receipt": "eyJhbGciOiJFUzI1NiIs…",
        },
    ),
    403: problem_response("The response code is not that of this presentation."),
    404: problem_response(_OFF),
    409: problem_response("The wallet has not answered yet, what it presented does not hold, or the holder declined."),
    410: problem_response("Its time is over, it was withdrawn, or its claims were given."),
}
RECEIPT_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": OTHER_ERROR,
    200: response(
        "The receipt.",
        "ConsentReceipt",
        {
            "id": _ID.replace("prs_", "rcp_"),
            "made_at": "2026-11-23T09:01:00+00:00",
            "receipt": "eyJhbGciOiJFUzI1NiIs…",
        },
    ),
    404: problem_response("There is no receipt of this presentation, or the service asks for none."),
}
