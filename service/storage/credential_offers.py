"""Offers of credentials: claims that wait for a wallet, and the codes that a wallet shows for them.

Claims are sealed like verdicts, wait for minutes, and are deleted when they were issued in every format, when their
time is over, and with the registration. Codes and tokens are stored as keyed hashes (HMAC-SHA-256) only.
"""

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from idproof.service.errors import IssuanceRefused, ServiceProblem
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import (
    CREDENTIAL_CLAIMS,
    CREDENTIAL_OFFERS,
    CREDENTIAL_STATUS,
    USED_NONCES,
    VERIFICATIONS,
)
from idproof.service.storage.seal import Seal

_CODE_BYTES = 32  # 256 bits: nobody finds one by trying
CODE_DIGITS = 6
"""Digits of a transaction code, as wallets ask for."""
_GUESSES = 5
_OFFERS = 3
"""Wrong transaction codes per offer, and offers per registration. Chosen by hand: whoever has every link of a
registration, and not its codes, is let in with a chance of 15 in a million."""
_TOKEN_S = 300.0
"""Seconds for which an access token may be used. Chosen by hand: a wallet asks at once, or after its holder."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it is made, with its two secrets.

    Attributes:
        code: pre-authorized code, within the link.
        transaction_code: that the holder types into the wallet; never sent along with the link.
        expires_at: ISO 8601 UTC.
    """

    code: str = field(repr=False)
    transaction_code: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Access token that a wallet gets for its codes.

    Attributes:
        token: for the credential endpoint.
        expires_in_s: seconds for which it may be used.
    """

    token: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to issue one registration's credentials in one format.

    Attributes:
        verification: id of the verdict.
        claims: to be issued.
    """

    verification: str
    claims: Mapping[str, Any] = field(repr=False)


class CredentialOffers:
    """Keeps claims until they were issued; one instance per server process.

    Args:
        database: where they wait.
        seal: of the database.
        lifetime_s: seconds for which claims wait after the verdict.
        formats: identifiers of the configurations, each of which is issued once per registration.
    """

    def __init__(self, database: Database, seal: Seal, lifetime_s: float, formats: Sequence[str]) -> None:
        self._database = database
        self._seal = seal
        self._lifetime_s = lifetime_s
        self._formats = frozenset(formats)
        self._mac = seal.subkey("credential codes")

    def hold(self, connection: Connection, verification: str, claims: Mapping[str, Any]) -> None:
        """Lets claims wait, in the transaction that stores their verdict."""
        sealed = self._seal.close(claims_name(verification), dict(claims))
        row = {"id": verification, "sealed": sealed, "offers": 0, "expires_ms": _after(self._lifetime_s)}
        connection.execute(insert(CREDENTIAL_CLAIMS).values(row))

    def offer(self, verification: str, client: str | None) -> Offer:
        """Makes an offer; it replaces an earlier one of the registration.

        Args:
            verification: id of the verdict.
            client: that owns it; None for any.

        Raises:
            ServiceProblem: `not_found`, or `credential_unavailable`: nothing waits, something was issued already, or
                too many offers were made.
        """
        offer = Offer(
            secrets.token_urlsafe(_CODE_BYTES), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}", expires_at=""
        )
        with self._database.write() as connection:
            owned = select(VERIFICATIONS.c.id).where(VERIFICATIONS.c.id == verification)
            if client is not None:
                owned = owned.where(VERIFICATIONS.c.client == client)
            if connection.execute(owned).first() is None:
                raise ServiceProblem("not_found", "There is no verification of this id.")
            waiting = (CREDENTIAL_CLAIMS.c.id == verification, CREDENTIAL_CLAIMS.c.expires_ms > _now())
            left = (*waiting, CREDENTIAL_CLAIMS.c.offers < _OFFERS)
            counted = update(CREDENTIAL_CLAIMS).where(*left).values(offers=CREDENTIAL_CLAIMS.c.offers + 1)
            if connection.execute(counted).rowcount != 1:
                raise ServiceProblem(
                    "credential_unavailable",
                    "Nothing of this registration waits to be issued, or it was offered thrice.",
                )
            expires = connection.execute(select(CREDENTIAL_CLAIMS.c.expires_ms).where(*waiting)).scalar_one()
            connection.execute(delete(CREDENTIAL_OFFERS).where(CREDENTIAL_OFFERS.c.verification == verification))
            # After the deletion, which waits for a wallet that is being served with the earlier offer.
            given = select(CREDENTIAL_STATUS.c.place).where(CREDENTIAL_STATUS.c.verification == verification)
            if connection.execute(given.limit(1)).first() is not None:
                raise ServiceProblem("credential_unavailable", "This registration's credentials were issued before.")
            row = {
                "code": self._hashed("code", offer.code),
                "verification": verification,
                "transaction_code": self._hashed(offer.code, offer.transaction_code),
                "guesses": 0,
                "issued": "",
                "expires_ms": expires,
            }
            connection.execute(insert(CREDENTIAL_OFFERS).values(row))
        ends = datetime.fromtimestamp(expires / 1000, UTC).isoformat(timespec="seconds")
        return Offer(offer.code, offer.transaction_code, ends)

    def exchange(self, code: str, transaction_code: str) -> AccessToken:
        """Exchanges an offer's codes for an access token, once.

        Raises:
            IssuanceRefused: `invalid_grant`. After too many wrong transaction codes, and when the code is shown a
                second time, the offer is void, and so is a token that it gave: somebody else has the link.
        """
        token = secrets.token_urlsafe(_CODE_BYTES)
        # The count of guesses is stored although the request is refused.
        with self._database.write() as connection:
            row = self._row(connection, CREDENTIAL_OFFERS.c.code == self._hashed("code", code))
            lifetime_s = 0 if row is None else min(_TOKEN_S, (row.expires_ms - _now()) / 1000)
            granted = row is not None and self._grant(connection, row, code, transaction_code, token, lifetime_s)
        if not granted:
            raise IssuanceRefused("invalid_grant", "The codes are not those of an offer that is open.")
        return AccessToken(token, int(lifetime_s))

    def _grant(
        self, connection: Connection, row: Row[Any], code: str, transaction_code: str, token: str, lifetime_s: float
    ) -> bool:
        mine = CREDENTIAL_OFFERS.c.code == row.code
        right = hmac.compare_digest(row.transaction_code, self._hashed(code, transaction_code))
        if row.token is not None or (not right and row.guesses + 1 >= _GUESSES):
            connection.execute(delete(CREDENTIAL_OFFERS).where(mine))
            return False
        if not right:
            connection.execute(update(CREDENTIAL_OFFERS).where(mine).values(guesses=row.guesses + 1))
            return False
        values = {"token": self._hashed("token", token), "expires_ms": _after(lifetime_s)}
        connection.execute(update(CREDENTIAL_OFFERS).where(mine).values(values))
        return True

    def require_token(self, token: str) -> None:
        """Raises `IssuanceRefused` unless this access token is in force."""
        with self._database.read() as connection:
            self._of_token(connection, token, lock=False)

    def begin(
        self, connection: Connection, token: str, configuration: str, nonce: bytes, nonce_expires: float
    ) -> Grant:
        """Begins to issue credentials in one format, within the transaction that stores what follows.

        Args:
            connection: of the transaction; it must end without a change if anything raises.
            token: access token of the wallet.
            configuration: that is issued; each once.
            nonce: of the wallet's proofs, which is used up.
            nonce_expires: seconds since 1970 at which the nonce lapses.

        Raises:
            IssuanceRefused: `invalid_token`, `credential_request_denied` or `invalid_nonce`.
        """
        row = self._of_token(connection, token, lock=True)
        issued = frozenset(filter(None, row.issued.split(" ")))
        if configuration in issued:
            raise IssuanceRefused("credential_request_denied", "It was issued before, and each is issued once.")
        self._use_nonce(connection, nonce, nonce_expires)
        waiting = select(CREDENTIAL_CLAIMS.c.sealed).where(CREDENTIAL_CLAIMS.c.id == row.verification)
        sealed = connection.execute(waiting.where(CREDENTIAL_CLAIMS.c.expires_ms > _now())).scalar_one_or_none()
        if sealed is None:
            raise IssuanceRefused("credential_request_denied", "Nothing waits to be issued any more.")
        grant = Grant(row.verification, self._seal.open(claims_name(row.verification), sealed))
        mine = CREDENTIAL_OFFERS.c.code == row.code
        if self._formats <= issued | {configuration}:
            connection.execute(delete(CREDENTIAL_OFFERS).where(mine))
            connection.execute(delete(CREDENTIAL_CLAIMS).where(CREDENTIAL_CLAIMS.c.id == row.verification))
        else:
            values = {"issued": " ".join(sorted(issued | {configuration}))}
            connection.execute(update(CREDENTIAL_OFFERS).where(mine).values(values))
        return grant

    def clean(self) -> None:
        """Deletes what has expired; raises `StoreUnavailable`."""
        with self._database.write() as connection:
            rows = [
                connection.execute(delete(table).where(table.c.expires_ms < _now())).rowcount
                for table in (CREDENTIAL_CLAIMS, CREDENTIAL_OFFERS, USED_NONCES)
            ]
        if any(rows):
            self._database.scrub()

    def _use_nonce(self, connection: Connection, nonce: bytes, expires: float) -> None:
        mac = self._hashed("nonce", nonce.hex())
        used = connection.execute(select(USED_NONCES.c.mac).where(USED_NONCES.c.mac == mac)).first()
        if used is not None:
            raise IssuanceRefused("invalid_nonce", "The nonce was used before; ask for another.")
        connection.execute(insert(USED_NONCES).values(mac=mac, expires_ms=int(expires * 1000)))

    def _of_token(self, connection: Connection, token: str, *, lock: bool) -> Row[Any]:
        row = self._row(connection, CREDENTIAL_OFFERS.c.token == self._hashed("token", token), lock=lock)
        if row is None:
            raise IssuanceRefused("invalid_token", "The access token is not in force.")
        return row

    @staticmethod
    def _row(connection: Connection, which: Any, *, lock: bool = True) -> Row[Any] | None:
        wanted = select(CREDENTIAL_OFFERS).where(which, CREDENTIAL_OFFERS.c.expires_ms > _now())
        return connection.execute(wanted.with_for_update() if lock else wanted).first()

    def _hashed(self, kind: str, secret: str) -> bytes:
        return hmac.digest(self._mac, f"{kind}\0{secret}".encode(), "sha256")


def withdraw(connection: Connection, verification: str) -> bool:
    """Deletes a registration's offers and waiting claims, within a transaction; returns whether there were any.

    A wallet that is being served is waited for: its copies are then in the status lists.
    """
    tables = ((CREDENTIAL_OFFERS, CREDENTIAL_OFFERS.c.verification), (CREDENTIAL_CLAIMS, CREDENTIAL_CLAIMS.c.id))
    counts = [connection.execute(delete(table).where(column == verification)).rowcount for table, column in tables]
    return any(counts)


def claims_name(verification: str) -> str:
    """Returns the name under which the claims of a registration are sealed."""
    return f"{verification} claims"


def _now() -> int:
    return int(time.time() * 1000)


def _after(seconds: float) -> int:
    return int((time.time() + seconds) * 1000)
