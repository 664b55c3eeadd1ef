"""Messages of a device: exactly the documented members, bounded, or `message_invalid`."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from idproof.pipeline.types import Role
from idproof.service.errors import StreamProblem
from idproof.service.http.routes import ApplicantOptions
from idproof.service.registrations.frames import CameraDescription
from idproof.service.storage.permits import CODE_PATTERN

MAX_TEXT = 8192
"""Characters of a message, at most: a rule of `docs/stream.md`."""
Language = Literal["en", "zh-Hant"]
SessionId = Annotated[str, Field(pattern=r"^cs_[0-9A-HJKMNP-TV-Z]{26}$")]
PermitCode = Annotated[str, Field(pattern=CODE_PATTERN)]
_Bytes32 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]  # the last two bits are zero


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Message):
    """Proof that the device knows its key."""

    type: Literal["auth"]
    device: str = Field(pattern=r"^[0-9a-f]{16}$")
    nonce: _Bytes32
    proof: _Bytes32


class Start(_Message):
    """Start of an applicant's session."""

    type: Literal["start"]
    consent: bool
    language: Language = "en"
    options: ApplicantOptions = ApplicantOptions()
    permit: PermitCode | None = None
    reference: str | None = Field(default=None, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")


class Resume(_Message):
    """Resumption of a session after the connection was lost."""

    type: Literal["resume"]
    session: SessionId


class _SessionMessage(_Message):
    """A message within a session.

    Attributes:
        session: to which it belongs; a message for another session than the current one is not taken.
    """

    session: SessionId | None = None


class SetOptions(_SessionMessage):
    """Another list of actions that the applicant cannot do."""

    type: Literal["options"]
    options: ApplicantOptions
    permit: PermitCode | None = None


class Ready(_SessionMessage):
    """The applicant is ready for the challenge."""

    type: Literal["ready"]
    camera: CameraDescription | None = None


class Retake(_SessionMessage):
    """Return to a stage that was done."""

    type: Literal["retake"]
    stage: Role


class SetLanguage(_Message):
    """Another language."""

    type: Literal["language"]
    language: Language


class Staff(_Message):
    """The applicant asks for staff."""

    type: Literal["staff"]


class Finish(_SessionMessage):
    """Everything is captured: verify.

    Attributes:
        attestation: signature of the device's attested key, as AuthenticationResponseJSON of WebAuthn.
    """

    type: Literal["finish"]
    attestation: dict[str, Any] | None = None


class Cancel(_SessionMessage):
    """The applicant stops, at any moment; with `session`, also a session that waits for its device."""

    type: Literal["cancel"]


SessionMessage = SetOptions | Ready | Retake | Finish | Cancel
DeviceMessage = Auth | Start | Resume | SetLanguage | Staff | SessionMessage
_ADAPTER: TypeAdapter[DeviceMessage] = TypeAdapter(Annotated[DeviceMessage, Field(discriminator="type")])


def parse(text: str) -> DeviceMessage:
    """Parse one message; raises `StreamProblem` `message_invalid`, whose sentence repeats nothing of the message."""
    if len(text) > MAX_TEXT:
        raise StreamProblem("message_invalid", f"A message has at most {MAX_TEXT} characters.")
    try:
        return _ADAPTER.validate_python(json.loads(text))
    except (ValueError, ValidationError, RecursionError):
        raise StreamProblem("message_invalid", "Not a documented message.") from None


def unbase64(text: str) -> bytes:
    """Decode base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64(data: bytes) -> str:
    """Encode as base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")
