"""Issues credentials: what waits after an accepted registration, offers of it, copies for a wallet, and revocation."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from joserfc.jwk import ECKey
from sqlalchemy import Connection

from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.checks.dates import today
from idproof.service.credentials import mdoc, sd_jwt, status_list
from idproof.service.credentials.certificates import DOCUMENT_SIGNER
from idproof.service.credentials.claims import credential_claims
from idproof.service.credentials.credential import Format, StatusReference, Validity
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.key_proofs import read_proofs
from idproof.service.credentials.nonces import Nonces
from idproof.service.credentials.revocation import revoke_credentials
from idproof.service.errors import IssuanceRefused, ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.storage import VerdictStore
from idproof.service.storage.credential_offers import CODE_DIGITS, CredentialOffers, Offer
from idproof.service.storage.credential_status import CAPACITY, CredentialStatus
from idproof.service.storage.engine import Conflict

CONFIGURATIONS: Mapping[str, Format] = {"identity_sd_jwt": Format.SD_JWT, "identity_mdoc": Format.MDOC}
"""Identifiers of the credentials that are issued (OpenID4VCI 1.0, section 12.2.4)."""
GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
STATUS_PATH = "/v1/credential-status"
_TRIES = 3
"""Attempts to store copies when another server took the same place first."""


@dataclass(frozen=True, slots=True)
class OfferLink:
    """An offer for a wallet.

    Attributes:
        link: that opens a wallet; also the content of a QR code.
        transaction_code: that the holder types.
        expires_at: ISO 8601 UTC.
    """

    link: str
    transaction_code: str
    expires_at: str


class Issuance:
    """Issues credentials under one identity; one instance per server process.

    Args:
        settings: of the operator; names the issuer.
        identity: that signs.
        store: of the verdicts.
        audit: gets a line for each offer, issue and revocation.
    """

    def __init__(self, settings: Settings, identity: Identity, store: VerdictStore, audit: AuditLog) -> None:
        self.issuer = identity.identifier
        self.identity = identity
        self.copies = settings.credential_copies
        self._days = settings.credential_days
        self._trust_framework = settings.trust_framework
        self._database = store.database
        self._audit = audit
        self.offers = CredentialOffers(store.database, store.seal, settings.credential_offer_s, tuple(CONFIGURATIONS))
        self.status = CredentialStatus(store.database)
        self.nonces = Nonces(store.seal)
        self._lists: dict[int, tuple[float, str]] = {}

    @classmethod
    def open(cls, settings: Settings, store: VerdictStore, audit: AuditLog) -> "Issuance | None":
        """Returns the issuance of these settings, or None without an issuer; raises `KeysUnusable`."""
        if settings.credential_issuer is None:
            return None
        return cls(settings, issuer_identity(settings, settings.credential_issuer), store, audit)

    def hold(self, connection: Connection, verdict: Mapping[str, Any], document: DocumentType) -> None:
        """Lets the claims of a registration wait, if it was accepted, in the transaction that stores its verdict."""
        claims = credential_claims(
            verdict,
            today(document, datetime.now(UTC)),
            trust_framework=self._trust_framework,
            issuer_country=document.issuer_country,
        )
        if claims is not None:
            self.offers.hold(connection, verdict["id"], claims)

    def offer(self, verification: str, client: str | None) -> OfferLink:
        """Offers a registration's credentials to a wallet; raises as `CredentialOffers.offer`, and `AuditBroken`."""
        offer = self.offers.offer(verification, client)
        self._audit.append("credential_offered", id=verification)
        return OfferLink(self._link(offer), offer.transaction_code, offer.expires_at)

    def _link(self, offer: Offer) -> str:
        code = {"input_mode": "numeric", "length": CODE_DIGITS}
        content = {
            "credential_issuer": self.issuer,
            "credential_configuration_ids": list(CONFIGURATIONS),
            "grants": {GRANT: {"pre-authorized_code": offer.code, "tx_code": code}},
        }
        return f"openid-credential-offer://?credential_offer={quote(json.dumps(content, separators=(',', ':')))}"

    def issue(self, token: str, configuration: object, proofs: object) -> list[str]:
        """Issues copies of a credential, one for each key of a wallet.

        Args:
            token: access token of the wallet.
            configuration: identifier of the credential.
            proofs: of the keys, as in a credential request.

        Raises:
            IssuanceRefused: nothing was issued.
            StoreUnavailable, AuditBroken: nothing was issued.
        """
        self.offers.require_token(token)
        if not isinstance(configuration, str) or configuration not in CONFIGURATIONS:
            raise IssuanceRefused("unknown_credential_configuration", "There is no such credential configuration.")
        now = datetime.now(UTC)
        keys, nonce = read_proofs(proofs, self.issuer, self.nonces, self.copies, now)
        validity = Validity.of_day(now, self._days)
        for _ in range(_TRIES):
            try:
                with self._database.write() as connection:
                    grant = self.offers.begin(connection, token, configuration, nonce.random, nonce.expires)
                    taken = self.status.take(connection, grant.verification, len(keys), validity.end)
                    places = [StatusReference(self.list_uri(place.list), place.index) for place in taken]
                    issued = self._copies(CONFIGURATIONS[configuration], grant.claims, keys, validity, places)
                    # Last, so that nothing is issued without its line.
                    self._audit.append(
                        "credential_issued", id=grant.verification, kind=configuration, copies=len(issued)
                    )
            except Conflict:
                continue
            return issued
        raise ServiceProblem("busy", "Other servers issue at the same time; please try again shortly.")

    def _copies(
        self,
        kind: Format,
        claims: Mapping[str, Any],
        keys: Sequence[ECKey],
        validity: Validity,
        places: Sequence[StatusReference],
    ) -> list[str]:
        issue = sd_jwt.issue if kind is Format.SD_JWT else mdoc.issue
        return [issue(claims, self.identity, key, validity, place) for key, place in zip(keys, places, strict=True)]

    def revoke(self, verification: str, by: str) -> int | None:
        """Revokes every copy of a registration's credentials, as `revoke_credentials` does."""
        return revoke_credentials(self._database, self._audit, verification, by=by)

    def list_uri(self, number: int) -> str:
        """Returns the address of a status list."""
        return f"{self.issuer}{STATUS_PATH}/{number}"

    def list_token(self, number: int) -> str | None:
        """Returns a status list, signed at most `TTL_S` seconds ago, or None if there is none of this number.

        Revocations of that time appear together, so that those of one person are not told by their moment.
        """
        known = self._lists.get(number)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        revoked = self.status.revoked(number)
        if revoked is None:
            return None
        token = status_list.make_token(self.identity, self.list_uri(number), revoked, CAPACITY, datetime.now(UTC))
        self._lists[number] = time.monotonic() + status_list.TTL_S / 2, token
        return token

    def clean(self) -> None:
        """Deletes claims, offers and nonces whose time is over, and forgets whose credentials have expired."""
        self.offers.clean()
        self.status.clean()


def issuer_identity(settings: Settings, issuer: str) -> Identity:
    """Returns the identity that signs credentials: the operator's, else a self-made one; raises `KeysUnusable`."""
    if settings.credential_key is not None and settings.credential_chain is not None:
        return Identity.load(settings.credential_key, settings.credential_chain, issuer)
    return Identity.own(settings.keys_dir, "credential-issuer", issuer, DOCUMENT_SIGNER)
