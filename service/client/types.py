"""Types that callers of the client give and get, and the errors that it raises."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Problem(Exception):
    """The service refused a request and gave the reason (RFC 9457).

    Attributes:
        code: stable code, listed in `docs/errors.md`.
        status: HTTP status.
        detail: one sentence for people.
        capture: role of the capture to take again, or None.
    """

    def __init__(self, code: str, status: int, detail: str, capture: str | None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.capture = capture


class FailureCode(StrEnum):
    """Causes for which no answer came."""

    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    TLS_FAILED = "tls_failed"
    REQUEST_UNSENDABLE = "request_unsendable"
    NAME_UNKNOWN = "name_unknown"
    CONNECTION_REFUSED = "connection_refused"
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"


class Unreachable(Exception):
    """No answer came after every try. The verdict may exist: the same `key` gets it later.

    `__cause__` is the error of httpx. The first three codes of `FailureCode` are raised after one try.

    Attributes:
        code: the cause.
        detail: one sentence for people.
    """

    def __init__(self, code: FailureCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Session:
    """An open capture session.

    Attributes:
        challenge: what the applicant must be shown (`docs/liveness.md`).
        capture_plan: poses in which the card must be captured (`docs/capture_plan.md`); None unless it was asked for.
    """

    id: str
    nonce: str
    challenge: Mapping[str, Any]
    expires_at: str
    capture_plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the response to a liveness challenge.

    Attributes:
        data: JPEG or PNG.
        captured_ms: milliseconds since the start of the challenge, by the clock of the camera or the client.
        number: frame count of the camera or the client.
    """

    data: bytes = field(repr=False)
    captured_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class Camera:
    """Settings requested from a camera and reported by it: width, height, frames per second."""

    requested: tuple[int, int, float]
    reported: tuple[int, int, float]
    open_ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a session's challenge: its frames in order, and the camera that took them."""

    frames: Sequence[Frame]
    camera: Camera | None = None

    def to_metadata(self) -> dict[str, Any]:
        """Returns the member `liveness` of the part `metadata`; it holds no picture."""
        shots = [{"captured_ms": frame.captured_ms, "number": frame.number} for frame in self.frames]
        return {"frames": shots, "camera": None if self.camera is None else asdict(self.camera)}


@dataclass(frozen=True, slots=True, repr=False)
class VerdictView:
    """A verdict as the service sent it.

    Attributes:
        texts: a sentence per reason code, in the client's language.
        jws: the signed form.
        document: the whole verdict, personal data included.
        replayed: whether an earlier request with the same idempotency key made this verdict.
    """

    id: str
    decision: str
    reasons: tuple[str, ...]
    texts: Mapping[str, str]
    jws: str
    document: Mapping[str, Any]
    replayed: bool = False

    def __repr__(self) -> str:
        """Returns id, decision and reasons; never what was read from the card."""
        return f"VerdictView({self.id}, {self.decision}, reasons={list(self.reasons)})"
