"""Schemas of the answers about passkeys, logins and step-ups; see `schemas`."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from idproof.pipeline import Decision
from idproof.service.http.schemas_sessions import Challenge


class PasskeyCeremony(BaseModel):
    """A challenge of WebAuthn for the browser; it is answered once."""

    id: str
    public_key: dict[str, Any] = Field(
        description="PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON."
    )
    expires_at: str


class BoundPasskey(BaseModel):
    """A passkey that was bound to a verdict."""

    id: str
    verification: str
    subject: str = Field(description="Your name of the account; another client has another.")
    binding: str = Field(description="The signed statement, a compact JWS (`passkey-binding+jwt`).")
    backup_eligible: bool
    backed_up: bool
    attested: bool
    discoverable: bool | None = Field(description="As the browser said; null if it did not.")
    face_template: PasskeyCeremony | None = Field(
        default=None,
        description="The ceremony by which the passkey takes the face template that waits for it, if one does.",
    )


class KeptFaceTemplate(BaseModel):
    """A face template that is kept for step-ups."""

    passkey: str
    verification: str


class PasskeyLogin(BaseModel):
    """A login that was accepted."""

    token: str = Field(description="A compact JWS (`passkey-login+jwt`) for this relying party.")
    expires_in: int = Field(description="Seconds.")
    sub: str
    backup_eligible: bool
    backed_up: bool
    attested: bool


class PasskeyEntry(BaseModel):
    """A passkey of a verdict."""

    id: str
    state: str
    created_at: str
    used_at: str | None
    backup_eligible: bool
    backed_up: bool
    attested: bool
    binding: str


class PasskeyEntries(BaseModel):
    """The passkeys of a verdict."""

    items: list[PasskeyEntry]


class OpenedStepUp(BaseModel):
    """A step-up that waits for its captures."""

    id: str
    challenge: Challenge
    expires_at: str
    text_sha256: str = Field(description="Of the transaction's text in UTF-8, hex.")
    attempts: int


class StepUpDecision(BaseModel):
    """The decision of a step-up."""

    id: str
    decision: Decision
    reasons: list[str]
    checks: list[dict[str, Any]] = Field(description="As in a verdict.")
    required: list[str]
    deletion: dict[str, Any] = Field(description="The deletion receipt, as in a verdict.")
    profile: str
    started_at: str
    capture_level: str
    record: str = Field(description="All of this, signed: a compact JWS (`step-up-record+jwt`).")
    token: str | None = Field(description="A compact JWS (`step-up+jwt`), valid once; null unless it is an accept.")
    expires_in: int | None = Field(description="Seconds.")


class StepUpState(BaseModel):
    """A step-up, and its decision."""

    id: str
    state: Literal["open", "checking", "accepted", "refused", "spent"]
    expires_at: str
    decision: StepUpDecision | None = Field(description="Null before it, and once its token was used.")


class StepUpToken(BaseModel):
    """The claims of a token that was valid."""

    iss: str
    iat: int
    exp: int
    jti: str
    aud: str
    sub: str
    login: str
    text_sha256: str
    capture_level: str
    policy: str
    record_sha256: str


ANSWERS: tuple[type[BaseModel], ...] = (
    PasskeyCeremony,
    BoundPasskey,
    KeptFaceTemplate,
    PasskeyLogin,
    PasskeyEntry,
    PasskeyEntries,
    OpenedStepUp,
    StepUpDecision,
    StepUpState,
    StepUpToken,
)
