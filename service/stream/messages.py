"""Messages of a device: exactly the documented members, bounded, or `message_invalid`."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from idproof.pipeline.types import Role
from idproof.service.errors import StreamProblem
from idproof.service.http.routes import REGISTRATION_ID, VERDICT_ID, ApplicantOptions
from idproof.service.registrations.frames import CameraDescription
from idproof.service.storage.permits import CODE_PATTERN

MAX_TEXT = 8192
"""Characters of a message, at most: a rule of `docs/stream.md`."""
Language = Literal["en", "zh-Hant", "zh-Hans"]
SessionId = Annotated[str, Field(pattern=r"^(cs|su)_[0-9A-HJKMNP-TV-Z]{26}$")]
StepUpId = Annotated[str, Field(pattern=r"^su_[0-9A-HJKMNP-TV-Z]{26}$")]
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


class AuthToken(_Message):
    """Proof that a page knows its capture token.

    Attributes:
        bound: proof that it is the page that used the token first; left out the first time.
    """

    type: Literal["auth_token"]
    token: str = Field(pattern=r"^[0-9a-f]{16}$")
    nonce: _Bytes32
    proof: _Bytes32
    bound: _Bytes32 | None = None


class AskHandOff(_Message):
    """The page wants a link with which a telephone captures in its place, in place of an earlier link."""

    type: Literal["hand_off"]


class ConfirmHandOff(_Message):
    """The applicant compared the digits of both screens.

    Attributes:
        device: id of the hand-off.
    """

    type: Literal["hand_off_confirm"]
    device: str = Field(pattern=r"^[0-9a-f]{16}$")


class TakeBack(_Message):
    """The applicant ends the hand-off: the telephone is cut off."""

    type: Literal["hand_off_cancel"]


class Start(_Message):
    """Start of an applicant's session.

    Attributes:
        step_up: that the session is for; None for a registration.
        holder_key: of a step-up by a face template: what the holder's passkey gave at the login.
    """

    type: Literal["start"]
    consent: bool
    step_up: StepUpId | None = None
    holder_key: _Bytes32 | None = None
    language: Language = "en"
    options: ApplicantOptions = ApplicantOptions()
    permit: PermitCode | None = None
    reference: str | None = Field(default=None, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    registration: str | None = Field(default=None, pattern=REGISTRATION_ID)


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


class LightShown(_SessionMessage):
    """The device shows the first colour on the card.

    Attributes:
        at_us: time by the clock of its frames, microseconds.
    """

    type: Literal["light_shown"]
    at_us: int = Field(ge=0, lt=2**53)


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


class Extend(_SessionMessage):
    """The applicant needs more time before the pictures are overwritten."""

    type: Literal["extend"]


class CameraHealth(_Message):
    """State of the device's camera.

    Attributes:
        state: `ok`; `refused`: the page may not use it; `missing`: none was found; `lost`: it was unplugged;
            `poor`: its picture is too small, too slow or too dark.
        width, height: of its pictures, pixels.
        frames_per_s: that arrived during the last check.
    """

    state: Literal["ok", "refused", "missing", "lost", "poor"]
    width: int | None = Field(default=None, ge=0, le=20_000)
    height: int | None = Field(default=None, ge=0, le=20_000)
    frames_per_s: float | None = Field(default=None, ge=0, le=1000)


class Report(_Message):
    """The device's software and camera, for its operators."""

    type: Literal["report"]
    software: str = Field(pattern=r"^[ -~]{1,80}$")
    camera: CameraHealth


class AskConsent(_SessionMessage):
    """A guardian wants to read what is consented to."""

    type: Literal["guardian_consent"]


class JoinAsGuardian(_SessionMessage):
    """A guardian joins the session; see `idproof.service.cases.guardians.GuardianProof`."""

    type: Literal["guardian"]
    verification: str = Field(pattern=VERDICT_ID)
    nonce: _Bytes32
    consent_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


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


class MakePasskey(_SessionMessage):
    """The applicant who was just accepted wants a passkey."""

    type: Literal["passkey"]


class PasskeyMade(_SessionMessage):
    """The browser's answer to the options of a passkey.

    Attributes:
        id: of the ceremony.
        response: RegistrationResponseJSON of WebAuthn.
    """

    type: Literal["passkey_made"]
    id: str = Field(pattern=r"^pkc_[0-9A-HJKMNP-TV-Z]{26}$")
    response: dict[str, Any]


class OfferCredential(_SessionMessage):
    """The applicant who was just accepted wants credentials in a wallet."""

    type: Literal["credential"]


class TellCode(_SessionMessage):
    """The applicant's wallet asks for the transaction code, and the screen shows the QR code no more."""

    type: Literal["credential_code"]


class AskTicket(_SessionMessage):
    """The applicant whose verdict was just shown wants a ticket for a counter."""

    type: Literal["counter_ticket"]


ForGuardian = AskConsent | JoinAsGuardian
ForPasskey = MakePasskey | PasskeyMade
ForWallet = OfferCredential | TellCode
AfterVerdict = ForPasskey | ForWallet | AskTicket
SessionMessage = SetOptions | Ready | LightShown | Retake | Extend | ForGuardian | Finish | Cancel
AnyTime = SetLanguage | Staff | Report
ForHandOff = AskHandOff | ConfirmHandOff | TakeBack
DeviceMessage = Auth | AuthToken | ForHandOff | Start | Resume | AnyTime | SessionMessage | AfterVerdict
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
