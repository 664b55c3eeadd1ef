"""What the two clients share, without any input or output: requests, answers, and how long to wait."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0
AGAIN = (429, 502, 503, 504)
_IN_PROGRESS, _LOCKED = "request_in_progress", "device_locked"


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
    """An open capture session; `challenge` is what the applicant is to be shown (`docs/liveness.md`)."""

    id: str
    nonce: str
    challenge: Mapping[str, Any]
    expires_at: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that answers a liveness challenge.

    Attributes:
        data: JPEG or PNG.
        captured_ms: from the start of the challenge, by the camera's or the client's clock.
        number: counted by the camera or the client.
    """

    data: bytes = field(repr=False)
    captured_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class Camera:
    """What was asked of a camera, and what it said of itself: width, height, frames a second."""

    requested: tuple[int, int, float]
    reported: tuple[int, int, float]
    open_ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The frames that answer a session's challenge, in order, and the camera that took them."""

    frames: Sequence[Frame]
    camera: Camera | None = None

    def told(self) -> dict[str, Any]:
        """For the part `metadata`."""
        shots = [{"captured_ms": frame.captured_ms, "number": frame.number} for frame in self.frames]
        return {"frames": shots, "camera": None if self.camera is None else asdict(self.camera)}


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
    files: Sequence[tuple[str, Any]] | None = None
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
        return _LOCKED not in answer.text  # that takes minutes, and the person should know
    return answer.status_code == httpx.codes.CONFLICT and _IN_PROGRESS in answer.text
