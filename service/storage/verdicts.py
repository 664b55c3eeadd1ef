"""Stored verdicts: one sealed row per verdict."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select

from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage.engine import Conflict, Database
from idproof.service.storage.schema import (
    CREDENTIAL_CLAIMS,
    CREDENTIAL_OFFERS,
    FACTS,
    IDEMPOTENCY,
    OPERATIONS,
    OUTBOX,
    VERIFICATIONS,
)
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS
from idproof.service.storage.seal import Seal
from idproof.service.storage.used_captures import UsedCaptures

ANONYMOUS = "anonymous"
_KEY_FACT = "sealing key"
_IDS_PER_STATEMENT = 500  # SQLite allows 999 parameters in its older versions (SQLITE_MAX_VARIABLE_NUMBER)


Find = Callable[[Connection], Sequence[str]]
"""Finds ids of verdicts within a transaction, and may lock what belongs to them."""
StoreMore = Callable[[Connection, Sequence[str]], None]
"""Stores more in the transaction that erases verdicts, given their ids."""


def _store_nothing(_connection: Connection, _ids: Sequence[str]) -> None: ...


class VerdictStore:
    """Stores verdicts by id; safe to use from several threads."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self.database = database
        self.seal = seal
        self._used_captures = UsedCaptures(seal)

    @classmethod
    def open(cls, settings: Settings, key: bytes, newer: Callable[[], Sequence[bytes]] = tuple) -> Self:
        """Opens the database of these settings.

        Args:
            settings: of the operator.
            key: the first sealing key.
            newer: as in `Seal`.

        Raises:
            StoreUnavailable: it cannot be opened, or was sealed with another key.
        """
        store = cls(Database.open(settings), Seal(key, newer))
        store._check_key()
        return store

    def save(self, verdict_id: str, document: dict[str, Any], client: str = ANONYMOUS) -> None:
        """Stores one verdict; raises `StoreUnavailable`."""
        sentence = "The verdict cannot be stored."
        try:
            with self.database.write(sentence) as connection:
                self.insert(connection, verdict_id, document, client)
        except Conflict:
            raise StoreUnavailable(sentence) from None

    def insert(
        self, connection: Connection, verdict_id: str, document: dict[str, Any], client: str, number: str | None = None
    ) -> None:
        """Stores one verdict within a transaction.

        Args:
            connection: of the transaction.
            verdict_id: the id of its row.
            document: the verdict as JSON.
            client: its owner.
            number: the card's number; by default the one of the document.
        """
        row = {
            "id": verdict_id,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sealed": self.seal.close(verdict_id, document),
            "person": self.seal.person(number or (document.get("form") or {}).get("number")),
            "client": client,
        }
        connection.execute(insert(VERIFICATIONS).values(row))

    def load(self, verdict_id: str, client: str | None = None) -> dict[str, Any] | None:
        """Returns the verdict of this id, or None; with a client, only its own. Raises `StoreUnavailable`."""
        wanted = select(VERIFICATIONS.c.sealed).where(VERIFICATIONS.c.id == verdict_id)
        if client is not None:
            wanted = wanted.where(VERIFICATIONS.c.client == client)
        with self.database.read("The verdict cannot be read.") as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        return None if found is None else self.seal.open(verdict_id, found)

    def page(self, client: str | None, before: str | None, limit: int) -> list[dict[str, Any]]:
        """Returns verdicts, newest first.

        Args:
            client: their owner; None for every client's.
            before: only those older than this id (ids grow with time).
            limit: the largest number to return.
        """
        wanted = select(VERIFICATIONS.c.id, VERIFICATIONS.c.sealed).order_by(VERIFICATIONS.c.id.desc()).limit(limit)
        if client is not None:
            wanted = wanted.where(VERIFICATIONS.c.client == client)
        if before is not None:
            wanted = wanted.where(VERIFICATIONS.c.id < before)
        with self.database.read() as connection:
            rows = connection.execute(wanted).all()
        return [self.seal.open(row.id, row.sealed) for row in rows]

    def erase(self, verdict_id: str, store_more: StoreMore = _store_nothing) -> list[str]:
        """Erases one verdict and returns the erased ids; raises `StoreUnavailable`.

        Args:
            verdict_id: of the verdict.
            store_more: stores what follows from the erasure, by the erased ids, in the same transaction.
        """
        return self.erase_found(lambda _: [verdict_id], store_more)

    def erase_person(self, number: str, store_more: StoreMore = _store_nothing) -> list[str]:
        """Erases every verdict in which this card number was read with certainty; returns the erased ids.

        Args:
            number: with or without brackets, such as `A123456(3)`.
            store_more: as in `erase`.

        Raises:
            StoreUnavailable: nothing was erased.
        """
        return self.erase_found(lambda connection: self.of_person(connection, number), store_more)

    def erase_found(self, find: Find, store_more: StoreMore = _store_nothing) -> list[str]:
        """Erases the verdicts that are found within the transaction; otherwise as `erase`."""
        return self._delete(find, store_more)

    def of_person(self, connection: Connection, number: str) -> Sequence[str]:
        """Returns the verdicts in which this card number was read with certainty."""
        person = self.seal.person(number)
        return [] if person is None else _ids(connection, VERIFICATIONS.c.person == person)

    def expire(self, days: float) -> list[str]:
        """Erases verdicts older than this many days and returns their ids; raises `StoreUnavailable`."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        return self._delete(lambda connection: _ids(connection, VERIFICATIONS.c.created_at < oldest))

    def ready(self) -> bool:
        """Returns whether a write would succeed now."""
        return self.database.ready()

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    def _delete(self, find: Find, store_more: StoreMore = _store_nothing) -> list[str]:
        # A delivery that is on its way stays until it ends, so that the erasure reaches the receiver after it.
        resting = or_(OUTBOX.c.state != "pending", OUTBOX.c.lease_ms <= time.time() * 1000)
        with self.database.write() as connection:
            rows = [row for ids in _pieces(find(connection)) for row in _ids(connection, VERIFICATIONS.c.id.in_(ids))]
            store_more(connection, rows)
            for ids in _pieces(rows):
                connection.execute(delete(VERIFICATIONS).where(VERIFICATIONS.c.id.in_(ids)))
                connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.operation.in_(ids)))
                connection.execute(delete(OPERATIONS).where(OPERATIONS.c.id.in_(ids)))
                connection.execute(delete(REGISTRATION_ATTEMPTS).where(REGISTRATION_ATTEMPTS.c.verification.in_(ids)))
                connection.execute(delete(CREDENTIAL_CLAIMS).where(CREDENTIAL_CLAIMS.c.id.in_(ids)))
                connection.execute(delete(CREDENTIAL_OFFERS).where(CREDENTIAL_OFFERS.c.verification.in_(ids)))
                self._used_captures.disown(connection, ids)
                verdicts = (OUTBOX.c.verification.in_(ids), OUTBOX.c.kind == "verdict", resting)
                connection.execute(delete(OUTBOX).where(*verdicts))
        if rows:
            self.database.scrub()
        return list(rows)

    def _check_key(self) -> None:
        """Raises `StoreUnavailable` if the database was sealed with another key, before anything is written."""
        fingerprint = self.seal.fingerprint()
        known = select(FACTS.c.value).where(FACTS.c.name == _KEY_FACT)
        try:
            with self.database.write() as connection:
                found = connection.scalar(known)
                if found is None and self._opens(connection):
                    connection.execute(insert(FACTS).values(name=_KEY_FACT, value=fingerprint))
                    found = fingerprint
        except Conflict:  # another worker stored it first
            with self.database.read() as connection:
                found = connection.scalar(known)
        if found != fingerprint:
            raise StoreUnavailable("The database was sealed with another key; put sealing.key back.")

    def _opens(self, connection: Connection) -> bool:
        """Returns whether the key opens a row; for a database of an earlier version, which stored no fingerprint."""
        row = connection.execute(select(VERIFICATIONS.c.id, VERIFICATIONS.c.sealed).limit(1)).first()
        try:
            if row is not None:
                self.seal.open(row.id, row.sealed)
        except StoreUnavailable:
            return False
        return True


def _ids(connection: Connection, which: ColumnElement[bool]) -> Sequence[str]:
    return connection.execute(select(VERIFICATIONS.c.id).where(which)).scalars().all()


def _pieces(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _IDS_PER_STATEMENT] for start in range(0, len(ids), _IDS_PER_STATEMENT)]
