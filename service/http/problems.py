"""Every error as problem details (RFC 9457): a stable code, a sentence, and nothing about a person."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from idproof.pipeline.errors import BadInput, IdproofError
from idproof.service.applicant_messages import texts
from idproof.service.errors import log_error
from idproof.service.http.request_faults import describe_fields, request_faults
from idproof.service.request_faults import RequestFault

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
"""The usual `Retry-After`: about one verification. Chosen by hand; no outside source."""

INTERNAL = "internal"
STATUS_BY_CODE: Mapping[str, int] = {
    # A capture cannot be used.
    "capture_missing": 422,
    "capture_empty": 422,
    "capture_too_large": 413,
    "capture_unreadable": 422,
    "capture_format_unsupported": 415,
    "capture_heif_unsupported": 415,
    "capture_too_many_pixels": 413,
    "capture_too_small": 422,
    "captures_identical": 422,
    "card_not_found": 422,
    "card_cut_off": 422,
    "card_too_small": 422,
    "several_cards": 422,
    "face_not_found": 422,
    "face_too_dark": 422,
    "several_faces": 422,
    "frames_unusable": 422,
    "session_expired": 408,
    # The request cannot be served.
    "upload_not_multipart": 415,
    "upload_malformed": 400,
    "upload_too_large": 413,
    "metadata_invalid": 422,
    "sandbox_captures": 422,
    "request_invalid": 422,
    "request_slow": 408,
    "host_unknown": 421,
    "origin_foreign": 403,
    "content_type_unsupported": 415,
    "unauthenticated": 401,
    "forbidden": 403,
    "rate_limited": 429,
    "too_many_at_once": 429,
    "issuer_unavailable": 503,
    "session_missing": 422,
    "session_unknown": 422,
    "session_used": 409,
    "session_lapsed": 410,
    "registration_missing": 422,
    "registration_unknown": 422,
    "registration_closed": 409,
    "guardians_off": 404,
    "guardian_refused": 403,
    "guardian_consent_missing": 422,
    "counter_code_invalid": 403,
    "counter_locked": 429,
    "counter_verdict_unsuitable": 409,
    "challenge_missing": 422,
    "challenge_lapsed": 410,
    "challenges_used": 409,
    "frames_missing": 422,
    "device_locked": 429,
    "too_many_sessions": 429,
    "permit_invalid": 403,
    "permit_exceeded": 403,
    "permit_too_weak": 422,
    "passkeys_off": 404,
    "passkey_refused": 403,
    "passkey_verdict_unsuitable": 409,
    "passkeys_enough": 409,
    "ceremony_lapsed": 410,
    "too_many_ceremonies": 429,
    "origin_unknown": 422,
    "credentials_off": 404,
    "credential_unavailable": 409,
    "login_invalid": 403,
    "step_up_lapsed": 410,
    "step_up_card_needed": 422,
    "step_ups_refused": 429,
    "step_up_token_invalid": 403,
    "face_templates_off": 404,
    "face_template_unavailable": 409,
    "face_template_key_missing": 422,
    "face_template_refused": 403,
    "face_template_core_unavailable": 503,
    "presentations_off": 404,
    "presentation_waiting": 409,
    "presentation_refused": 409,
    "presentation_lapsed": 410,
    "response_code_wrong": 403,
    "return_url_unknown": 422,
    "reviews_off": 404,
    "reviewer_unconfirmed": 403,
    "reviewer_taken": 409,
    "public_key_invalid": 422,
    "fingerprint_differs": 409,
    "officer_differs": 403,
    "reason_unsuitable": 422,
    "review_unavailable": 409,
    "review_not_claimed": 409,
    "second_officer_needed": 409,
    "pictures_gone": 410,
    "records_unavailable": 503,
    "portrait_unavailable": 409,
    "request_in_progress": 409,
    "idempotency_key_reused": 422,
    "verification_lost": 410,
    "stopped": 410,
    "not_found": 404,
    "method_not_allowed": 405,
    "busy": 503,
    "store_unavailable": 503,
    "audit_broken": 503,
    INTERNAL: 500,
}
"""HTTP status of every code that a client may see (RFC 9110, RFC 6585). Any other error is answered as `internal`."""

_INTERNAL_SENTENCE = "Something went wrong on our side; the pictures were deleted."
_WITH_RETRY_AFTER = ("request_in_progress",)
_CODE_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """An error as a client may see it.

    Attributes:
        code: a key of `STATUS_BY_CODE`.
        status: the HTTP status.
        sentence: in English.
        capture: the capture at fault, or None.
    """

    code: str
    status: int
    sentence: str
    capture: str | None = None


def describe_error(error: Exception) -> ErrorDescription:
    """Returns the description of an error for a client; an error that is not for clients becomes `internal`."""
    if not isinstance(error, IdproofError) or error.code not in STATUS_BY_CODE:
        return ErrorDescription(INTERNAL, STATUS_BY_CODE[INTERNAL], _INTERNAL_SENTENCE)
    capture = error.capture if isinstance(error, BadInput) else None
    return ErrorDescription(error.code, STATUS_BY_CODE[error.code], error.sentence, capture)


def problem(
    code: str,
    sentence: str,
    *,
    status: int | None = None,
    capture: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: Iterable[RequestFault] = (),
) -> JSONResponse:
    """Returns a problem details response; `code`, `capture` and `errors` are extension members.

    Args:
        code: a key of `STATUS_BY_CODE`.
        sentence: the member `detail`.
        status: the HTTP status, where it is not the one of `STATUS_BY_CODE`.
        capture: the capture at fault, or None.
        headers: of the response.
        errors: the parts of the request that are not as documented.
    """
    status = STATUS_BY_CODE[code] if status is None else status
    body: dict[str, Any] = {
        "type": f"urn:idproof:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        "code": code,
    }
    if capture is not None:
        body["capture"] = capture
    if listed := [{k: v for k, v in asdict(error).items() if v is not None} for error in errors]:
        body["errors"] = listed
    all_headers = dict(headers or {})
    if code in _WITH_RETRY_AFTER or status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        all_headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    if status == HTTPStatus.UNAUTHORIZED:
        all_headers["WWW-Authenticate"] = 'Bearer realm="idproof"'
    return JSONResponse(body, status, all_headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the application answer every error with problem details."""
    app.add_exception_handler(IdproofError, _known_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)


def internal() -> JSONResponse:
    """Returns the response to an unexpected error; it says nothing about the error."""
    return problem(INTERNAL, _INTERNAL_SENTENCE)


async def _known_error(request: Request, error: Exception) -> JSONResponse:
    log_error(error)
    described = describe_error(error)
    sentence = described.sentence
    # An applicant reads the sentence of a problem with a capture.
    language = texts.preferred_language(request.headers.get("accept-language"))
    if language != texts.ENGLISH and texts.has_sentence(described.code):
        sentence = texts.sentence(described.code, language)
    wait = getattr(error, "retry_after", None)
    headers = None if wait is None else {"Retry-After": str(wait)}
    errors = getattr(error, "errors", ())
    return problem(described.code, sentence, capture=described.capture, headers=headers, errors=errors)


async def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    errors = request_faults(error.errors())
    sentence = f"The request does not have the documented form: {describe_fields(errors)}."
    return problem("request_invalid", sentence, errors=errors)


async def _http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    code = _CODE_BY_STATUS.get(error.status_code, "request_invalid")
    sentence = HTTPStatus(error.status_code).phrase + "."
    return problem(code, sentence, status=error.status_code, headers=error.headers)
