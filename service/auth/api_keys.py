"""Static API keys: `idp_ID_SECRET`. The secret has 256 random bits; only its SHA-256 is stored.

A key belongs to a client. A client may have several keys at once, so that one can be replaced without a pause:
sessions, verdicts, idempotency keys and limits belong to the client, scopes to the key.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from sqlalchemy import Connection, delete, insert, or_, select, text, update

from idproof.service.auth.clients import Client, Scope
from idproof.service.reviews.states import ReviewerState
from idproof.service.storage import Database
from idproof.service.storage.permits import client_holder, device_holder
from idproof.service.storage.schema import (
    API_KEYS,
    CEREMONIES,
    CLIENTS,
    CONSENT_RECEIPTS,
    OPERATIONS,
    PASSKEYS,
    PERMITS,
    PRESENTATIONS,
    SESSIONS,
    STEP_UPS,
    VERIFICATIONS,
)
from idproof.service.storage.schema_devices import CAPTURE_TOKENS, KIOSKS
from idproof.service.storage.schema_registrations import COUNTER_TICKETS, RECORD_RETRIES, REGISTRATIONS, REVIEWERS

PREFIX = "idp_"
_ID_BYTES = 6  # enough to tell the keys of one service apart
_SECRET_BYTES = 32  # 256 bits cannot be guessed (NIST SP 800-63B asks for 112 or more)
_OWNED = (
    *(VERIFICATIONS, SESSIONS, OPERATIONS, KIOSKS, CAPTURE_TOKENS, API_KEYS, PASSKEYS, CEREMONIES, STEP_UPS),
    *(PRESENTATIONS, CONSENT_RECEIPTS, REGISTRATIONS, RECORD_RETRIES, COUNTER_TICKETS),
)


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was just made, with the client if it was made too; for the audit log.

    Attributes:
        id: of the key.
        client: id of its client.
        client_name: of the client, if it was made with the key; else None.
        scopes: of the key.
    """

    id: str
    client: str
    client_name: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The public part of a key."""

    id: str
    name: str
    client: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """A client and the number of its keys that are in force."""

    id: str
    name: str
    created_at: str
    keys: int


class ApiKeys:
    """The keys of a database and the clients that they belong to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        days: float | None = None,
        client: str | None = None,
        record: Callable[[MadeKey], None] = lambda _: None,
    ) -> str:
        """Creates a key and returns it; it cannot be read again.

        Args:
            name: of the key.
            scopes: of the key.
            days: after which the key expires.
            client: id or name of the client that it belongs to; by default the client with the key's name, which is
                created when there is none.
            record: called within the transaction; if it raises, there is no key.

        Raises:
            ValueError: there is no such client, or several have this name.
            StoreUnavailable: nothing was created.
        """
        key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        expires_at = None if days is None else _now(timedelta(days=days))
        row = {"id": key_id, "name": name, "hash": _hashed(secret), "created_at": _now(), "expires_at": expires_at}
        row |= {"scopes": " ".join(sorted(set(scopes)))}
        client_name = None
        with self._database.write() as connection:
            self._lock(connection)
            owner = _find_client(connection, client or name)
            if owner is None and client is not None:
                raise ValueError(f"there is no client {client}")
            if owner is None:
                owner, client_name = f"client:{secrets.token_hex(_ID_BYTES)}", name
                connection.execute(insert(CLIENTS).values(id=owner, name=name, created_at=row["created_at"]))
            connection.execute(insert(API_KEYS).values(row | {"client": owner}))
            record(MadeKey(key_id, owner, client_name, tuple(sorted(set(scopes)))))
        return f"{PREFIX}{key_id}_{secret}"

    def find(self, presented: str) -> Client | None:
        """Returns the client of a valid key, or None; raises `StoreUnavailable`."""
        key_id, _, secret = presented.removeprefix(PREFIX).partition("_")
        with self._database.read() as connection:
            row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).first()
        # An unknown id takes as long as a wrong secret.
        matches = compare_digest(_hashed(secret), row.hash if row is not None else bytes(32))
        if row is None or not matches or not _in_force(row.revoked_at, row.expires_at):
            return None
        return Client(row.client, frozenset(Scope(scope) for scope in row.scopes.split() if scope in set(Scope)))

    def any_exists(self) -> bool:
        """Returns True if a key was ever made; raises `StoreUnavailable`."""
        with self._database.read() as connection:
            return connection.execute(select(API_KEYS.c.id).limit(1)).first() is not None

    def revoke(self, key_id: str, record: Callable[[], None] = lambda: None) -> bool:
        """Revokes a key at once for every server of this database.

        Args:
            key_id: of the key.
            record: called within the transaction; if it raises, the key stays.

        Returns:
            False if no valid key has this id.
        """
        valid = (API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None))
        with self._database.write() as connection:
            revoked = connection.execute(update(API_KEYS).where(*valid).values(revoked_at=_now())).rowcount == 1
            if revoked:
                record()
        return revoked

    def entries(self) -> list[KeyEntry]:
        """Returns the public part of every key; raises `StoreUnavailable`."""
        with self._database.read() as connection:
            rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at)).all()
        return [
            KeyEntry(r.id, r.name, r.client, tuple(r.scopes.split()), r.created_at, r.expires_at, r.revoked_at)
            for r in rows
        ]

    def clients(self) -> list[ClientEntry]:
        """Returns every client that has or had a key; raises `StoreUnavailable`."""
        valid = [entry.client for entry in self.entries() if _in_force(entry.revoked_at, entry.expires_at)]
        with self._database.read() as connection:
            rows = connection.execute(select(CLIENTS).order_by(CLIENTS.c.created_at)).all()
        return [ClientEntry(row.id, row.name, row.created_at, valid.count(row.id)) for row in rows]

    def resolve(self, client: str) -> str:
        """Returns the id of a client.

        Args:
            client: its id or its name, or `key:ID` with the id of one of its keys.

        Raises:
            ValueError: there is no such client, or several have this name.
            StoreUnavailable: the database cannot be read.
        """
        with self._database.read() as connection:
            found = _find_client(connection, client)
            if found is None and client.startswith("key:"):
                key_id = client.removeprefix("key:")
                found = connection.scalar(select(API_KEYS.c.client).where(API_KEYS.c.id == key_id))
        if found is None:
            raise ValueError(f"there is no client {client}")
        return found

    def merge(self, source: str, target: str) -> None:
        """Joins a client to another, which then owns everything of both; raises `StoreUnavailable`.

        Retries of requests that were sent before under the joined client's `Idempotency-Key` are not recognised.
        Permits that neither client nor a device of theirs has used yet are deleted: one of the two may have granted
        them to the other, and no client grants one to itself. The joined client's enrolment as a reviewer is revoked.
        Its first opinion on a review that waits counts as the remaining client's, which cannot give the second one.

        Args:
            source: id of the client that ceases to exist.
            target: id of the client that remains.
        """
        if source == target:
            return
        with self._database.write() as connection:
            self._lock(connection)
            devices = connection.execute(select(KIOSKS.c.id).where(KIOSKS.c.client.in_((source, target)))).scalars()
            holders = [client_holder(source), client_holder(target), *map(device_holder, devices)]
            connection.execute(delete(PERMITS).where(PERMITS.c.holder.in_(holders), PERMITS.c.used_ms.is_(None)))
            for table in _OWNED:
                owned = update(table).where(table.c.client == source)
                connection.execute(owned.values(client=target))
            # One person who has the keys of two clients must not review as two officers: opinions that were given under
            # the joined client's enrolments count as the remaining client's.
            joined = update(REVIEWERS).where(REVIEWERS.c.client == source)
            connection.execute(joined.values(client=target, state=ReviewerState.REVOKED))
            connection.execute(delete(CLIENTS).where(CLIENTS.c.id == source))

    def _lock(self, connection: Connection) -> None:
        """Keeps two transactions from creating a client of the same name; SQLite has one writer anyway."""
        if not self._database.is_sqlite:
            connection.execute(text("LOCK TABLE clients IN SHARE ROW EXCLUSIVE MODE"))


def _find_client(connection: Connection, client: str) -> str | None:
    """Returns the id of the client with this id or name, or None; raises `ValueError` if several have this name."""
    wanted = select(CLIENTS.c.id).where(or_(CLIENTS.c.id == client, CLIENTS.c.name == client)).order_by(CLIENTS.c.id)
    found = [str(client_id) for client_id in connection.execute(wanted).scalars()]
    if len(found) > 1 and client not in found:
        raise ValueError(f"several clients are named {client}: {', '.join(found)}; name one by its id, or merge them")
    return client if client in found else next(iter(found), None)


def _in_force(revoked_at: str | None, expires_at: str | None) -> bool:
    return revoked_at is None and (expires_at is None or expires_at > _now())


def _now(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")


def _hashed(secret: str) -> bytes:
    # A slow hash would cost time per request and add nothing: 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).digest()
