"""What a device says, as JSON: exactly the documented members, bounded, or `message_invalid`."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from idproof.pipeline.types import Role
from idproof.service.errors import StreamProblem
from idproof.service.http.routes import ApplicantOptions
from idproof.service.registrations.frames import CameraSaid

MAX_TEXT = 8192
Language = Literal["en", "zh-Hant"]
_Bytes32 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Message):
    """The device shows that it knows its key."""

    type: Literal["auth"]
    device: str = Field(pattern=r"^[0-9a-f]{16}$")
    nonce: _Bytes32
    proof: _Bytes32


class Start(_Message):
    """An applicant's turn begins."""

    type: Literal["start"]
    consent: bool
    language: Language = "en"
    options: ApplicantOptions = ApplicantOptions()
    reference: str | None = Field(default=None, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")


class Resume(_Message):
    """It goes on after a cut."""

    type: Literal["resume"]
    session: str = Field(pattern=r"^cs_[0-9A-HJKMNP-TV-Z]{26}$")


class Take(_Message):
    """Another set of things that the applicant cannot do."""

    type: Literal["options"]
    options: ApplicantOptions


class Ready(_Message):
    """The applicant is ready for the challenge."""

    type: Literal["ready"]
    camera: CameraSaid | None = None


class Retake(_Message):
    """Back to a stage that was done."""

    type: Literal["retake"]
    stage: Role


class Speak(_Message):
    """Another language."""

    type: Literal["language"]
    language: Language


class Plain(_Message):
    """A message without anything else in it."""

    type: Literal["finish", "cancel", "staff"]


Said = Auth | Start | Resume | Take | Ready | Retake | Speak | Plain
_ADAPTER: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="type")])


def parse(text: str) -> Said:
    """One message; raises `StreamProblem` `message_invalid`, which repeats nothing of it."""
    if len(text) > MAX_TEXT:
        raise StreamProblem("message_invalid", f"A message has at most {MAX_TEXT} characters.")
    try:
        return _ADAPTER.validate_python(json.loads(text))
    except (ValueError, ValidationError, RecursionError):
        raise StreamProblem("message_invalid", "Not a documented message.") from None


def unbase64(text: str) -> bytes:
    """Bytes of base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def error(code: str, sentence: str, *, fatal: bool, seq: int | None = None, wait: int | None = None) -> dict[str, Any]:
    """The message `error`."""
    return {"type": "error", "code": code, "sentence": sentence, "fatal": fatal, "seq": seq, "retry_after": wait}
