"""Requests, responses and waiting times of both clients, without any input or output."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from idproof.client.failures import LASTING, failure_code, unreachable
from idproof.client.types import Answer, FailureCode, Problem, Session, VerdictView

# Waits, tries and timeouts are chosen by hand; no outside source. Waits double from the first to the longest.
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
TRIES = 6
TIMEOUT = httpx.Timeout(60.0, connect=5.0)

RETRY_STATUSES = (429, 502, 503, 504)
_IN_PROGRESS = "request_in_progress"
_LOCKS = ("device_locked", "too_many_sessions")
_UNTOUCHED = ("busy", "too_many_at_once", "rate_limited")
"""Codes of refusals before anything of a request was done."""
_NEVER_ARRIVED = frozenset({FailureCode.CONNECTION_REFUSED, FailureCode.NAME_UNKNOWN})


@dataclass(frozen=True)
class Request:
    """One request, sent as often as needed.

    Attributes:
        once: its effect cannot be had twice: it is sent again only if nothing of it can have been done.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    files: Sequence[tuple[str, Any]] | None = None
    data: Mapping[str, str] | None = None
    json: Any = None
    params: Mapping[str, Any] | None = None
    once: bool = False

    def to_httpx(self) -> dict[str, Any]:
        """Returns the arguments of httpx's `request`."""
        return {
            "method": self.method,
            "url": self.path,
            "headers": dict(self.headers),
            "files": self.files,
            "data": self.data,
            "json": self.json,
            "params": self.params,
        }


class RequestBuilder:
    """Builds the requests of the HTTP interface.

    Args:
        token: an API key or a bearer token; None where the service needs none.
        language: of sentences, `en`, `zh-Hant` or `zh-Hans`.
    """

    def __init__(self, token: str | None, language: str) -> None:
        self.headers = {"Accept-Language": language} | ({"Authorization": f"Bearer {token}"} if token else {})

    def open_session(
        self, options: Mapping[str, bool] | None, device: str | None, registration: str | None, *, planned: bool
    ) -> Request:
        """Opens a capture session."""
        body: dict[str, Any] = {"options": dict(options or {}), "device": device, "capture_plan": planned}
        body |= {} if registration is None else {"registration": registration}
        return Request("POST", "/v1/capture-sessions", self.headers, json=body)

    def challenge(self, session: str) -> Request:
        """Asks for another challenge."""
        return Request("POST", f"/v1/capture-sessions/{session}/challenges", self.headers)

    def verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None,
        session: str | None,
        reference: str | None,
        key: str | None,
        *,
        wait: bool,
    ) -> Request:
        """Sends a registration; without `wait` the service answers before the verdict exists."""
        headers = self.headers | {"Idempotency-Key": key or str(uuid4())}
        if session is not None:
            headers["Capture-Session"] = session
        if not wait:
            headers["Prefer"] = "respond-async"
        pictures = [*captures.items(), *(("frames", frame.data) for frame in (answer.frames if answer else ()))]
        files = [(name, (name, data, "application/octet-stream")) for name, data in pictures]
        metadata = {"reference": reference, "liveness": None if answer is None else answer.to_metadata()}
        return Request("POST", "/v1/verifications", headers, files=files, data={"metadata": json.dumps(metadata)})

    def open_registration(self, reference: str | None) -> Request:
        """Opens a registration."""
        return Request("POST", "/v1/registrations", self.headers, json={"reference": reference})

    def registration(self, registration: str) -> Request:
        """Reads one registration."""
        return Request("GET", f"/v1/registrations/{registration}", self.headers)

    def registrations(self, conditions: Mapping[str, str], cursor: str | None) -> Request:
        """Reads one page of registrations."""
        params = dict(conditions) | ({} if cursor is None else {"cursor": cursor})
        return Request("GET", "/v1/registrations", self.headers, params=params)

    def get(self, verification: str) -> Request:
        """Reads one verdict."""
        return Request("GET", f"/v1/verifications/{verification}", self.headers)

    def erase(self, verification: str) -> Request:
        """Erases one verdict."""
        return Request("DELETE", f"/v1/verifications/{verification}", self.headers)

    def page(self, cursor: str | None) -> Request:
        """Reads one page of the list of verdicts."""
        params = {} if cursor is None else {"cursor": cursor}
        return Request("GET", "/v1/verifications", self.headers, params=params)


class RetrySchedule:
    """Waiting times before further tries: what the service asks for, or doubling times with jitter.

    Args:
        tries: of one request, the first included.
        first_wait_s: longest wait before the second try, in seconds.
        once: as in `Request`.
    """

    def __init__(self, tries: int, first_wait_s: float = FIRST_WAIT_S, *, once: bool = False) -> None:
        self._left = tries - 1
        self._once = once
        self._wait = first_wait_s
        self._rng = random.Random()  # noqa: S311 - of waits, not of secrets

    def wait_after(self, response: httpx.Response | None, error: httpx.TransportError | None = None) -> float | None:
        """Returns the seconds to wait after a response, or after an error; None when it is final or no try is left."""
        if response is not None and not _is_temporary(response):
            return None
        if error is not None and failure_code(error) in LASTING:
            return None
        if self._once and not _is_untouched(response, error):
            return None
        if self._left <= 0:
            return None
        self._left -= 1
        wait, self._wait = self._wait * self._rng.uniform(0.5, 1.0), min(LONGEST_WAIT_S, self._wait * 2)
        requested = response.headers.get("retry-after", "") if response is not None else ""
        return max(wait, float(requested)) if requested.isdigit() else wait


def final_response(response: httpx.Response | None, error: httpx.TransportError | None) -> httpx.Response:
    """Returns the last response; raises `Unreachable` when there is none."""
    if error is not None:
        raise unreachable(error)
    assert response is not None  # noqa: S101 - there is a response or an error
    return response


def parse_body(response: httpx.Response) -> dict[str, Any]:
    """Returns the body of a successful response; raises `Problem` for another."""
    if response.is_success:
        body: dict[str, Any] = response.json() if response.content else {}
        return body
    try:
        problem = response.json()
        raise Problem(problem["code"], response.status_code, problem["detail"], problem.get("capture"))
    except (ValueError, KeyError, TypeError):
        raise Problem("unknown", response.status_code, "The answer is none of idproof's.", None) from None


def parse_verdict(response: httpx.Response) -> VerdictView | None:
    """Returns the verdict of a response, or None while the verification runs; raises `Problem`."""
    body = parse_body(response)
    if response.status_code == httpx.codes.ACCEPTED:
        return None
    replayed = response.headers.get("idempotency-replayed") == "true"
    return VerdictView(
        body["id"], body["decision"], tuple(body["reasons"]), body.get("texts", {}), body["jws"], body, replayed
    )


def parse_session(response: httpx.Response) -> Session:
    """Returns the session of a response; raises `Problem`."""
    body = parse_body(response)
    return Session(body["id"], body["nonce"], body["challenge"], body["expires_at"], body.get("capture_plan"))


def _is_untouched(response: httpx.Response | None, error: httpx.TransportError | None) -> bool:
    if response is None:
        return error is not None and failure_code(error) in _NEVER_ARRIVED
    return any(f'"{code}"' in response.text for code in _UNTOUCHED)


def _is_temporary(response: httpx.Response) -> bool:
    if response.status_code in RETRY_STATUSES:
        # These last minutes, and the applicant should know.
        return not any(code in response.text for code in _LOCKS)
    return response.status_code == httpx.codes.CONFLICT and _IN_PROGRESS in response.text
