"""A reviewer's signed statement: one opinion about one verdict, which it names by hash and never changes."""

import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from idproof.pipeline.types import DeletionReceipt
from idproof.service.reviews.decisions import ReviewDecision, ReviewReason
from idproof.service.signing.jws import payload_hash, sign_claims
from idproof.service.signing.keys import Keys

TYPE = "review+jwt"
_SALT_BYTES = 16  # 128 bits, so that a short comment cannot be guessed from its hash


@dataclass(frozen=True, slots=True, repr=False)
class Comment:
    """A reviewer's own words, with the salt of their hash.

    Attributes:
        text: perhaps personal data: it is stored sealed, erased with the registration, and sent to nobody.
        salt: in hexadecimal.
    """

    text: str
    salt: str

    @classmethod
    def of(cls, text: str) -> "Comment":
        """Returns a comment with a salt of its own."""
        return cls(text, secrets.token_hex(_SALT_BYTES))

    @property
    def sha256(self) -> str:
        """SHA-256 of salt and text in hexadecimal; once both are erased, nobody can find the comment from it."""
        return hashlib.sha256(bytes.fromhex(self.salt) + self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Opinion:
    """One reviewer's opinion.

    Attributes:
        number: 1, or 2 for the second officer's.
        reviewer: id of the enrolment.
        officer: number or name within the operator's staff.
        decision: the reviewer's own.
        reason: code.
        comment: or None.
        pictures_seen: whether this reviewer was given the sealed pictures.
        at: ISO 8601 UTC.
    """

    number: int
    reviewer: str
    officer: str
    decision: ReviewDecision
    reason: ReviewReason
    comment: Comment | None
    pictures_seen: bool
    at: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision of all opinions together; see `decisions.together`."""

    decision: ReviewDecision
    reason: ReviewReason


def review_statement(
    about: dict[str, str],
    verdict: dict[str, Any],
    opinion: Opinion,
    first: str | None,
    outcome: Outcome | None,
    deletion: DeletionReceipt | None,
    keys: Keys,
    issuer: str,
) -> str:
    """Returns the compact JWS.

    Args:
        about: ids `review` and `registration`.
        verdict: that was reviewed, with its JWS.
        opinion: of the reviewer.
        first: statement of the first officer, where this is the second's.
        outcome: what is decided with this opinion; None while a second one is awaited.
        deletion: receipt of the sealed pictures, which are destroyed by now; None if there were none.
        keys: signing key of the service.
        issuer: of the statement.
    """
    claims: dict[str, Any] = {
        "jti": f"{about['review']}.{opinion.number}",
        **about,
        "verification": verdict["id"],
        "verdict_sha256": payload_hash(verdict["jws"]),
        "decision": opinion.decision,
        "reason": opinion.reason,
        "comment_sha256": None if opinion.comment is None else opinion.comment.sha256,
        "officer": opinion.officer,
        "reviewer": opinion.reviewer,
        "pictures_seen": opinion.pictures_seen,
        "first_sha256": None if first is None else payload_hash(first),
        "outcome": None if outcome is None else {"decision": outcome.decision, "reason": outcome.reason},
        "deletion": None if deletion is None else asdict(deletion),
        "at": opinion.at,
    }
    return sign_claims(claims, keys, issuer, TYPE)
