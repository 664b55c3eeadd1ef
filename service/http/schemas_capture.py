"""Schemas of the answers about capture tokens."""

from typing import Literal

from pydantic import BaseModel, Field


class IssuedCaptureToken(BaseModel):
    """A capture token, for the attribute `token` of the web component."""

    id: str
    token: str
    origin: str
    expires_at: str = Field(description="Until then it must be used first.")


class CaptureTokenState(BaseModel):
    """State and outcome of a capture token."""

    id: str
    state: Literal["issued", "expired", "bound", "started", "done", "ended", "revoked", "handed_off"]
    handed_off: bool = Field(description="A telephone captures in the page's place.")
    session: str | None
    verification: str | None = Field(description="Id of the verdict, once the state is `done`.")
    expires_at: str


ANSWERS = (IssuedCaptureToken, CaptureTokenState)
