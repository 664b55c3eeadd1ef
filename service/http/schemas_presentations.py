"""Schemas of the answers of presentations; see `schemas`."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class ConsentText(BaseModel):
    """The text that a holder reads before the wallet opens, in one language."""

    title: str
    what: str
    claims: list[str]
    purpose_title: str
    purpose: str
    kept: str
    checks: str
    choice: str
    receipt: str
    after: str


class PresentationQuestion(BaseModel):
    """A request for a presentation."""

    id: str
    link: str = Field(description="Opens a wallet.")
    page: str = Field(description="A page with the consent's text, link and code, for clients without one.")
    consent: dict[str, ConsentText] = Field(description="By language: `en`, `zh-Hant`, `zh-Hans`.")
    qr: list[str] | None = Field(description="Rows of its QR code, 1 for dark; null in the same-device flow.")
    expires_at: str


class PresentationState(BaseModel):
    """The state of a presentation."""

    id: str
    state: Literal["open", "fetched", "checking", "held", "given", "refused", "declined", "withdrawn", "lapsed"]
    code: str | None = Field(description="Why it was refused.")
    asked_at: str
    expires_at: str


class PresentedClaims(BaseModel):
    """Claims that a holder presented."""

    id: str
    claims: dict[str, Any]
    format: Literal["dc+sd-jwt", "mso_mdoc"]
    issuer: str
    valid_until: str
    receipt: str | None = Field(description="The consent receipt: a compact JWS (`consent-receipt+jwt`).")


class ConsentReceipt(BaseModel):
    """A consent receipt: verifier, client, names of the claims, purpose and times, without the values."""

    id: str
    made_at: str
    receipt: str = Field(description="A compact JWS (`consent-receipt+jwt`).")


ANSWERS: tuple[type[BaseModel], ...] = (PresentationQuestion, PresentationState, PresentedClaims, ConsentReceipt)
