"""Schemas of the answers about reviews; see `schemas`."""

from typing import Any

from pydantic import BaseModel, Field


class ReviewOutcome(BaseModel):
    """A review's decision and its reason."""

    decision: str
    reason: str


class ReviewEntry(BaseModel):
    """A review without what was read from the card."""

    id: str
    registration: str
    verification: str
    state: str
    reasons: list[str] = Field(description="Codes of the verdict.")
    opened_at: str
    age_s: int = Field(description="Seconds since it was opened.")
    claimed_by: str | None = Field(description="Officer who holds the review.")
    claim_ends_at: str | None = Field(description="End of the caller's own claim.")
    mine: bool
    own_opinion: bool = Field(description="The officer gave the first opinion, so another gives the second.")
    pictures_until: str | None = Field(description="Until when sealed pictures wait for this officer; null if none do.")
    outcome: ReviewOutcome | None


class ReviewPage(BaseModel):
    """One page of the queue, the longest waiting first."""

    items: list[ReviewEntry]
    next: str | None = Field(description="The next page's `cursor`; null on the last page.")


class ReviewAttempt(BaseModel):
    """A verdict of the registration."""

    verification: str
    decision: str
    reasons: list[str]
    step: str
    at: str


class ReviewDetail(ReviewEntry):
    """A review with the facts that an officer decides by."""

    first_officer: str | None = Field(description="Officer who gave the first opinion, which is not shown.")
    attempts: list[ReviewAttempt]
    decisions: dict[str, list[str]] = Field(description="Reasons that each decision takes.")
    verdict: dict[str, Any] = Field(description="Members of the verdict, among them fields and checks.")
    texts: dict[str, str] = Field(description="Sentences for the verdict's reasons.")


class ReviewAnswer(BaseModel):
    """A recorded opinion."""

    review: str
    registration: str
    statement: str = Field(description="Compact JWS (`review+jwt`).")
    outcome: ReviewOutcome | None = Field(description="Null while a second opinion is awaited.")


class SealedPictures(BaseModel):
    """Pictures that only the officer's browser can open."""

    key: str = Field(description="HPKE (RFC 9180): encapsulated key, then the encrypted key; base64url.")
    pictures: dict[str, str] = Field(description="Role to nonce, ciphertext and tag (AES-256-GCM); base64url.")


class ReviewerEntry(BaseModel):
    """An officer's enrolment."""

    id: str
    client: str
    officer: str
    state: str
    created_at: str
    confirmed_by: str | None
    fingerprint: str | None = Field(description="Of the key that pictures are sealed to; null without one.")


class ReviewerEntries(BaseModel):
    """Enrolments, newest first."""

    items: list[ReviewerEntry]


ANSWERS: tuple[type[BaseModel], ...] = (
    ReviewPage,
    ReviewDetail,
    ReviewEntry,
    ReviewAnswer,
    SealedPictures,
    ReviewerEntry,
    ReviewerEntries,
)
