"""Every error as problem details (RFC 9457), with a stable code and nothing that could leak."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from idproof.pipeline.errors import BadInput, IdproofError
from idproof.service.applicant_messages import texts

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

STATUS_BY_CODE: Mapping[str, int] = {
    "busy": 503,
    "store_unavailable": 503,
    "audit_broken": 503,
    "upload_malformed": 400,
    "upload_too_large": 413,
    "upload_not_multipart": 415,
    "metadata_invalid": 422,
    "sandbox_captures": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "rate_limited": 429,
    "too_many_at_once": 429,
    "issuer_unavailable": 503,
    "session_missing": 422,
    "session_unknown": 422,
    "session_used": 409,
    "session_lapsed": 410,
    "challenge_missing": 422,
    "challenge_lapsed": 410,
    "challenges_used": 409,
    "frames_missing": 422,
    "device_locked": 429,
    "request_in_progress": 409,
    "idempotency_key_reused": 422,
    "verification_lost": 410,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_invalid": 422,
    "internal": 500,
}
"""Codes of the service itself; those of captures carry their own status (`BadInput.status`)."""

_NOTHING = "Something went wrong on our side; the pictures were deleted."
_COME_AGAIN = ("request_in_progress",)

log = structlog.get_logger("idproof")

_CODE_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}


class ServiceProblem(IdproofError):
    """An error of the interface, by its code.

    Args:
        code: of `STATUS_BY_CODE`.
        sentence: for the client.
        retry_after: seconds after which it may be different.
    """

    def __init__(self, code: str, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.problem_code = code
        self.retry_after = retry_after


def problem(
    code: str, status: int, sentence: str, *, capture: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem details response; `code` and `capture` are extension members."""
    body: dict[str, Any] = {
        "type": f"urn:idproof:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        "code": code,
    }
    if capture is not None:
        body["capture"] = capture
    extra = dict(headers or {})
    if code in _COME_AGAIN or status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        extra.setdefault("Retry-After", str(RETRY_AFTER_S))
    if status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="idproof"'
    return JSONResponse(body, status, extra, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application this way."""
    app.add_exception_handler(IdproofError, _known)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def internal() -> JSONResponse:
    """What an unexpected error is told as: nothing."""
    return problem("internal", 500, _NOTHING)


def told(error: Exception, *, log_it: bool = True) -> tuple[str, int, str]:
    """Code, status and sentence that an error is told by; the log tells an operator what a client need not know."""
    if isinstance(error, BadInput):
        if log_it:
            log.info("refused", code=error.code, capture=error.capture)
        return error.code, error.status, error.sentence
    if not isinstance(error, IdproofError):
        if log_it:
            log.error("unexpected", kind=type(error).__name__)
        return "internal", 500, _NOTHING
    code = error.problem_code if isinstance(error, ServiceProblem) else error.code
    if log_it and isinstance(error, ServiceProblem):
        log.info("refused", code=code)
    elif log_it:
        # An operator must act, and learns of it here; the client is told no more than the table says.
        log.error("unavailable", code=code, sentence=error.sentence)
    if code not in STATUS_BY_CODE:
        return "internal", 500, _NOTHING
    return code, STATUS_BY_CODE[code], error.sentence


async def _known(request: Request, error: Exception) -> JSONResponse:
    code, status, sentence = told(error)
    # A problem with a capture is for the applicant to read.
    if texts.language(request.headers.get("accept-language")) == texts.CHINESE and texts.known(code):
        sentence = texts.text(code, texts.CHINESE)
    wait = getattr(error, "retry_after", None)
    headers = None if wait is None else {"Retry-After": str(wait)}
    capture = error.capture if isinstance(error, BadInput) else None
    return problem(code, status, sentence, capture=capture, headers=headers)


async def _validation(_: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - what was sent is not repeated
    return problem("request_invalid", 422, "The request does not have the documented form.")


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    code = _CODE_BY_STATUS.get(error.status_code, "request_invalid")
    return problem(code, error.status_code, HTTPStatus(error.status_code).phrase + ".", headers=error.headers)
