"""Stored passkeys. Methods that take a connection work within the caller's transaction."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from idproof.pipeline.verdict import new_id
from idproof.service.passkeys.ceremonies import Credential
from idproof.service.passkeys.ceremony_store import Ceremony
from idproof.service.passkeys.states import PasskeyEvent, PasskeyState, passkey_sources
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import CEREMONIES, PASSKEYS
from idproof.service.storage.seal import Seal


@dataclass(frozen=True, slots=True)
class Passkey:
    """A stored passkey.

    Attributes:
        id: `pk_` and 26 characters.
        verification: of the verdict that it was bound to: its account.
        client: that registered it.
        state: see there.
        sign_count: of its last signature.
        backed_up: at its last signature.
        reported: whether the core was told of it.
        created_at, used_at: ISO 8601 UTC; `used_at` is None before the first login.
        credential: its public part, as JSON types.
        statement: the binding statement, a compact JWS.
        card: what the records need to find the card; None where only the core may read it.
        counted_number: of the newest ceremony when `sign_count` was stored.
    """

    id: str
    verification: str
    client: str
    state: PasskeyState
    sign_count: int
    backed_up: bool
    reported: bool
    created_at: str
    used_at: str | None
    credential: Mapping[str, Any]
    statement: str
    card: Mapping[str, str | None] | None
    counted_number: int = 0

    def was_asked_before(self, ceremony: Ceremony) -> bool:
        """Returns whether a challenge was given out before the greatest count arrived.

        Its answer can be older than that count, however late it comes. The answer to a later challenge cannot: the
        authenticator signed it after the greatest count.
        """
        return ceremony.number <= self.counted_number

    def __repr__(self) -> str:
        """The id alone: the rest may tell of a person."""
        return f"Passkey({self.id}, {self.state.value})"

    def descriptor(self) -> dict[str, Any]:
        """Returns PublicKeyCredentialDescriptorJSON."""
        described = {"type": "public-key", "id": self.credential["id"]}
        transports = list(self.credential["transports"])
        return described | ({"transports": transports} if transports else {})


class Passkeys:
    """The passkeys of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: of the database.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self.database = database
        self._seal = seal
        self._credential_key = seal.subkey("passkey credential")
        self._decoy_key = seal.subkey("passkey decoy")

    def insert(self, connection: Connection, passkey: Passkey, credential_id: bytes, person: bytes | None) -> None:
        """Stores a new passkey; raises `Conflict` at the transaction's end if the credential is known."""
        card = None if passkey.card is None else dict(passkey.card)
        sealed = {"credential": dict(passkey.credential), "statement": passkey.statement, "card": card}
        row: dict[str, Any] = {
            "id": passkey.id,
            "verification": passkey.verification,
            "client": passkey.client,
            "person": person,
            "credential": self._hashed(credential_id),
            "state": passkey.state,
            "sign_count": passkey.sign_count,
            "backed_up": int(passkey.backed_up),
            "reported": int(passkey.reported),
            "sealed": self._seal.close(passkey.id, sealed),
            "created_at": passkey.created_at,
        }
        connection.execute(insert(PASSKEYS).values(row))

    def by_credential(self, connection: Connection, credential_id: bytes) -> Passkey | None:
        """Returns the passkey of a credential, locked until the transaction ends; None if there is none."""
        wanted = select(PASSKEYS).where(PASSKEYS.c.credential == self._hashed(credential_id)).with_for_update()
        row = connection.execute(wanted).first()
        return None if row is None else self._passkey(row)

    def find(self, passkey_id: str) -> Passkey | None:
        """Returns a passkey, or None."""
        found = self._find(PASSKEYS.c.id == passkey_id)
        return found[0] if found else None

    def find_in(self, connection: Connection, passkey_id: str) -> Passkey | None:
        """Returns a passkey, locked until the transaction ends; None if there is none."""
        row = connection.execute(select(PASSKEYS).where(PASSKEYS.c.id == passkey_id).with_for_update()).first()
        return None if row is None else self._passkey(row)

    def is_of_number(self, connection: Connection, passkey_id: str, number: str) -> bool:
        """Returns whether a passkey was registered for the card of this number."""
        person = connection.scalar(select(PASSKEYS.c.person).where(PASSKEYS.c.id == passkey_id))
        wanted = self._seal.person(number)
        return person is not None and wanted is not None and hmac.compare_digest(bytes(person), wanted)

    def of_verdict(self, verification: str) -> list[Passkey]:
        """Returns the passkeys of one account, oldest first."""
        return self._find(PASSKEYS.c.verification == verification)

    def entries(self, limit: int = 1000) -> list[Passkey]:
        """Returns passkeys, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(PASSKEYS).order_by(PASSKEYS.c.created_at).limit(limit)).all()
        return [self._passkey(row) for row in rows]

    def count(self, connection: Connection, verification: str) -> int:
        """Returns the number of an account's passkeys that were not revoked."""
        which = (PASSKEYS.c.verification == verification, PASSKEYS.c.state != PasskeyState.REVOKED)
        return connection.scalar(select(func.count()).select_from(PASSKEYS).where(*which)) or 0

    def use(self, connection: Connection, passkey: Passkey, sign_count: int, *, backed_up: bool) -> None:
        """Records an accepted signature."""
        # Every challenge that was given out by now is in the database, since it is stored before it is given out.
        values = {"sign_count": sign_count, "backed_up": int(backed_up), "used_at": _now()}
        values["counted_number"] = connection.scalar(select(func.max(CEREMONIES.c.number))) or 0
        connection.execute(update(PASSKEYS).where(PASSKEYS.c.id == passkey.id).values(values))

    def move(self, connection: Connection, passkey_id: str, event: PasskeyEvent) -> bool:
        """Performs a transition; returns False if the passkey is in no state that takes the event."""
        sources, target = passkey_sources(event)
        current = (PASSKEYS.c.id == passkey_id, PASSKEYS.c.state.in_(sources))
        return connection.execute(update(PASSKEYS).where(*current).values(state=target)).rowcount == 1

    def decoys(self, account: str) -> list[dict[str, Any]]:
        """Returns descriptors of no passkey, the same for the same text: an unknown account looks like a known one.

        WebAuthn Level 3, section 14.6.2. The lengths are those of common authenticators: 16 (Windows Hello), 20
        (Apple, Android), 32 and 64 bytes (security keys).
        """
        mac = hmac.digest(self._decoy_key, account.encode(), "sha512")
        length = (16, 16, 20, 20, 20, 20, 32, 64)[mac[-1] % 8]
        transports = (["internal"], ["hybrid", "internal"], ["usb"])[mac[-2] % 3]
        more = hmac.digest(self._decoy_key, mac, "sha512")
        return [{"type": "public-key", "id": encode(more[:length]), "transports": transports}]

    def erase(
        self, connection: Connection, which: ColumnElement[bool], report: Callable[[Connection, Passkey], None]
    ) -> list[Passkey]:
        """Erases passkeys; returns them.

        Args:
            connection: of the transaction.
            which: condition on `PASSKEYS`.
            report: is given each passkey of which the core was told.
        """
        rows = connection.execute(select(PASSKEYS).where(which)).all()
        found = [self._passkey(row) for row in rows]
        for passkey in found:
            if passkey.reported:
                report(connection, passkey)
            connection.execute(delete(PASSKEYS).where(PASSKEYS.c.id == passkey.id))
        return found

    @staticmethod
    def of_verdicts(verifications: Iterable[str]) -> ColumnElement[bool]:
        """Returns the condition for `erase` of the passkeys of verdicts."""
        return PASSKEYS.c.verification.in_(list(verifications))

    def of_person(self, number: str) -> ColumnElement[bool] | None:
        """Returns the condition for `erase` of the passkeys of a card's number; None if it is no number."""
        person = self._seal.person(number)
        return None if person is None else PASSKEYS.c.person == person

    @staticmethod
    def older_than(days: float) -> ColumnElement[bool]:
        """Returns the condition for `erase` of the passkeys older than this many days."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        return PASSKEYS.c.created_at < oldest

    def _find(self, which: ColumnElement[bool]) -> list[Passkey]:
        with self.database.read() as connection:
            rows: Sequence[Row[Any]] = connection.execute(select(PASSKEYS).where(which).order_by(PASSKEYS.c.id)).all()
        return [self._passkey(row) for row in rows]

    def _passkey(self, row: Row[Any]) -> Passkey:
        opened = self._seal.open(row.id, row.sealed)
        return Passkey(
            id=row.id,
            verification=row.verification,
            client=row.client,
            state=PasskeyState(row.state),
            sign_count=row.sign_count,
            backed_up=bool(row.backed_up),
            reported=bool(row.reported),
            created_at=row.created_at,
            used_at=row.used_at,
            credential=opened["credential"],
            statement=opened["statement"],
            card=opened["card"],
            counted_number=row.counted_number,
        )

    def _hashed(self, credential_id: bytes) -> bytes:
        return hmac.digest(self._credential_key, credential_id, "sha256")


def new_passkey_id() -> str:
    """Returns `pk_` and 26 characters."""
    return "pk_" + new_id().removeprefix("ver_")


def credential_json(credential: Credential) -> dict[str, Any]:
    """Returns a credential's public part as JSON types."""
    return {
        "id": encode(credential.id),
        "public_key": encode(credential.public_key),
        "aaguid": credential.aaguid,
        "attestation": {"format": credential.format, "trusted": credential.attested},
        "backup_eligible": credential.backup_eligible,
        "backed_up": credential.backed_up,
        "transports": list(credential.transports),
        "discoverable": credential.discoverable,
    }


def encode(data: bytes) -> str:
    """Encodes as base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Decodes base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
