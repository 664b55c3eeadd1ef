"""Types of what the holder of an accepted registration gets: credentials, passkeys, logins and step-ups.

None of them shows a token, a code or a link in its `repr`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CredentialOffer:
    """An offer of credentials for the applicant's wallet.

    Attributes:
        link: that opens a wallet.
        qr: rows of its QR code, `1` for a dark module and `0` for a light one.
        transaction_code: that the applicant types; send it on another way than the link.
        expires_at: ISO 8601 UTC.
    """

    link: str = field(repr=False)
    qr: tuple[str, ...] = field(repr=False)
    transaction_code: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge of WebAuthn for the browser; it is answered once.

    Attributes:
        id: names it in the answer.
        public_key: for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
        expires_at: ISO 8601 UTC.
    """

    id: str
    public_key: Mapping[str, Any] = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class BoundPasskey:
    """A passkey that was bound to a verdict.

    Attributes:
        id: of the passkey.
        verification: the verdict.
        subject: your name of the account; another client has another.
        binding: the signed statement, a compact JWS.
        document: the whole answer.
        face_template: by which the passkey takes the face template that waits for it; None if none does.
    """

    id: str
    verification: str
    subject: str
    binding: str = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)
    face_template: Ceremony | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A login that was accepted.

    Attributes:
        token: a compact JWS for you; check type, signature, `aud` and `exp`, or open a step-up with it.
        subject: your name of the account.
        expires_in: seconds.
        document: the whole answer.
    """

    token: str = field(repr=False)
    subject: str
    expires_in: int
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StepUp:
    """A step-up that waits for its captures.

    Attributes:
        id: of the step-up.
        challenge: what its holder must be shown (`docs/liveness.md`).
        expires_at: ISO 8601 UTC.
        text_sha256: of the transaction's text in UTF-8, hex.
        attempts: number of them.
    """

    id: str
    challenge: Mapping[str, Any] = field(repr=False)
    expires_at: str
    text_sha256: str
    attempts: int


@dataclass(frozen=True, slots=True)
class StepUpDecision:
    """The decision of a step-up.

    Attributes:
        id: of the step-up.
        decision: `accept`, `refer` or `reject`.
        reasons: codes.
        token: valid once, for the text that it was opened with; None unless it is an accept.
        expires_in: seconds; None without a token.
        record: the whole decision, signed.
        document: the whole answer.
    """

    id: str
    decision: str
    reasons: tuple[str, ...]
    token: str | None = field(repr=False)
    expires_in: int | None
    record: str = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StepUpState:
    """A step-up, and its decision.

    Attributes:
        id: of the step-up.
        state: `open`, `checking`, `accepted`, `refused` or `spent`.
        expires_at: ISO 8601 UTC.
        decision: None before it, and once its token was used.
    """

    id: str
    state: str
    expires_at: str
    decision: StepUpDecision | None


@dataclass(frozen=True, slots=True)
class UsedToken:
    """The claims of a step-up's token that was valid.

    Attributes:
        subject: your name of the account.
        login: the `jti` of the login's token.
        capture_level: of the captures.
        document: all claims.
    """

    subject: str
    login: str
    capture_level: str
    document: Mapping[str, Any] = field(repr=False)
