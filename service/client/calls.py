"""What the two clients share, without any input or output: requests, answers, and how long to wait."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0
AGAIN = (429, 502, 503, 504)
_IN_PROGRESS = "request_in_progress"


class Problem(Exception):
    """The service refused: an RFC 9457 problem.

    Attributes:
        code: stable, of `docs/errors.md`.
        status: of HTTP.
        detail: a sentence, for people.
        capture: the capture to take again, or None.
    """

    def __init__(self, code: str, status: int, detail: str, capture: str | None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.capture = capture


class Unreachable(Exception):
    """No answer after every try. The verdict may exist all the same: the same `key` again gets it."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open capture session."""

    id: str
    nonce: str
    challenge: Mapping[str, Any] | None
    expires_at: str


@dataclass(frozen=True, slots=True, repr=False)
class VerdictView:
    """A verdict as it was answered; `document` is all of it, personal data included, `jws` its signed form."""

    id: str
    decision: str
    reasons: tuple[str, ...]
    texts: Mapping[str, str]
    jws: str
    document: Mapping[str, Any]
    replayed: bool = False

    def __repr__(self) -> str:
        """Never what was read from the card."""
        return f"VerdictView({self.id}, {self.decision}, reasons={list(self.reasons)})"


@dataclass(frozen=True)
class Call:
    """One request, to be sent as often as it takes."""

    method: str
    path: str
    headers: Mapping[str, str]
    files: Mapping[str, Any] | None = None
    data: Mapping[str, str] | None = None
    json: Any = None
    params: Mapping[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """For httpx's `request`."""
        return {
            "method": self.method,
            "url": self.path,
            "headers": dict(self.headers),
            "files": self.files,
            "data": self.data,
            "json": self.json,
            "params": self.params,
        }


class Waits:
    """How long to wait before each further try: what the service says, or longer and longer, with jitter."""

    def __init__(self, tries: int) -> None:
        self._left = tries - 1
        self._wait = FIRST_WAIT_S
        self._rng = random.Random()  # noqa: S311 - of waits, not of secrets

    def after(self, answer: httpx.Response | None) -> float | None:
        """Seconds, or None when this answer is final or no try is left."""
        if answer is not None and not _worth_another_try(answer):
            return None
        if self._left <= 0:
            return None
        self._left -= 1
        wait, self._wait = self._wait * self._rng.uniform(0.5, 1.0), min(LONGEST_WAIT_S, self._wait * 2)
        told = answer.headers.get("retry-after", "") if answer is not None else ""
        return max(wait, float(told)) if told.isdigit() else wait


def understood(answer: httpx.Response) -> dict[str, Any]:
    """The body of a good answer; raises `Problem`."""
    if answer.is_success:
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body
    try:
        told = answer.json()
        raise Problem(told["code"], answer.status_code, told["detail"], told.get("capture"))
    except (ValueError, KeyError, TypeError):
        raise Problem("unknown", answer.status_code, "The answer is none of idproof's.", None) from None


def verdict(answer: httpx.Response) -> VerdictView | None:
    """The verdict of an answer, or None while it is under way; raises `Problem`."""
    body = understood(answer)
    if answer.status_code == httpx.codes.ACCEPTED:
        return None
    replayed = answer.headers.get("idempotency-replayed") == "true"
    return VerdictView(
        body["id"], body["decision"], tuple(body["reasons"]), body.get("texts", {}), body["jws"], body, replayed
    )


def session(answer: httpx.Response) -> Session:
    """The session of an answer; raises `Problem`."""
    body = understood(answer)
    return Session(body["id"], body["nonce"], body["challenge"], body["expires_at"])


def _worth_another_try(answer: httpx.Response) -> bool:
    if answer.status_code in AGAIN:
        return True
    return answer.status_code == httpx.codes.CONFLICT and _IN_PROGRESS in answer.text
