"""A credential without its format: what both formats say, and what a check of either gives."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from idproof.service.errors import CredentialRefused

SKEW_S = 60.0
"""Seconds by which clocks may differ. Chosen by hand; no outside source."""


class Format(StrEnum):
    """Format identifiers of OpenID4VCI 1.0, annex A."""

    SD_JWT = "dc+sd-jwt"
    MDOC = "mso_mdoc"


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Place of a credential in a status list.

    Attributes:
        uri: of the list.
        index: of the credential.
    """

    uri: str
    index: int

    def to_json(self) -> dict[str, Any]:
        """Returns the claim `status`."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}

    @classmethod
    def read(cls, status: object) -> "StatusReference":
        """Reads the claim `status`; raises `CredentialRefused`: whether it was revoked cannot be known."""
        entry = status.get("status_list") if isinstance(status, dict) else None
        index, uri = (entry.get("idx"), entry.get("uri")) if isinstance(entry, dict) else (None, None)
        if not isinstance(index, int) or isinstance(index, bool) or index < 0 or not isinstance(uri, str):
            raise CredentialRefused("status_unavailable", "It does not say where its status is published.")
        return cls(uri, index)


@dataclass(frozen=True, slots=True)
class Validity:
    """Days for which a credential is valid: the same for everybody who got one on that day.

    Attributes:
        begin: of the day of issue, in UTC.
        end: of the last day.
    """

    begin: datetime
    end: datetime

    @classmethod
    def of_day(cls, now: datetime, days: float) -> "Validity":
        """Returns the validity of a credential of this day: a time of day would tell its holder from others."""
        begin = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(begin, begin + timedelta(days=days))

    def require(self, now: datetime) -> None:
        """Raises `CredentialRefused` outside of it."""
        if now < self.begin - timedelta(seconds=SKEW_S):
            raise CredentialRefused("credential_not_yet_valid", "It is not valid yet.")
        if now >= self.end:
            raise CredentialRefused("credential_expired", "It is not valid any more.")


@dataclass(frozen=True, slots=True)
class Checked:
    """A credential or a presentation that holds; its status is still to be looked up.

    Attributes:
        format: of the credential.
        issuer: identifier of the issuer, which its certificate names.
        claims: that were disclosed.
        status: place in the issuer's status list.
        validity: of the credential.
        bound: whether its holder proved to have the key, for the expected nonce and audience.
    """

    format: Format
    issuer: str
    claims: dict[str, Any] = field(repr=False)
    status: StatusReference
    validity: Validity
    bound: bool


@dataclass(frozen=True, slots=True)
class Audience:
    """The request that a presentation must answer.

    Attributes:
        client_id: identifier of the verifier, with its prefix.
        nonce: of the request.
        response_uri: address that the response is sent to.
        key_thumbprint: SHA-256 of the key that the response is encrypted to (RFC 7638); None if it is not.
    """

    client_id: str
    nonce: str
    response_uri: str
    key_thumbprint: bytes | None = None
