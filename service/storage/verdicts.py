"""Verdicts at rest: one row each, sealed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage.engine import Conflict, Database
from idproof.service.storage.schema import FACTS, IDEMPOTENCY, OPERATIONS, OUTBOX, VERIFICATIONS
from idproof.service.storage.seal import Seal

ANONYMOUS = "anonymous"
_KEY_FACT = "sealing key"
_AT_ONCE = 500  # databases bound the parameters of one statement


class VerdictStore:
    """Keeps verdicts by id; safe to use from several threads."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self.database = database
        self.seal = seal

    @classmethod
    def open(cls, settings: Settings, key: bytes) -> Self:
        """The verdicts of the database of these settings.

        Raises:
            StoreUnavailable: it cannot be had, or was sealed with another key than this one.
        """
        store = cls(Database.open(settings), Seal(key))
        store._same_key()
        return store

    def save(self, verdict_id: str, document: dict[str, Any], client: str = ANONYMOUS) -> None:
        """Keep one verdict; raises `StoreUnavailable`."""
        sentence = "The verdict cannot be stored."
        try:
            with self.database.write(sentence) as connection:
                self.insert(connection, verdict_id, document, client)
        except Conflict:
            raise StoreUnavailable(sentence) from None

    def insert(
        self, connection: Connection, verdict_id: str, document: dict[str, Any], client: str, number: str | None = None
    ) -> None:
        """Keep one verdict as a part of a larger transaction; the card's number may stand apart from the document."""
        row = {
            "id": verdict_id,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sealed": self.seal.close(verdict_id, document),
            "person": self.seal.person(number or (document.get("form") or {}).get("number")),
            "client": client,
        }
        connection.execute(insert(VERIFICATIONS).values(row))

    def load(self, verdict_id: str, client: str | None = None) -> dict[str, Any] | None:
        """The verdict of this id, or None; with a client, only if it is this client's. Raises `StoreUnavailable`."""
        wanted = select(VERIFICATIONS.c.sealed).where(VERIFICATIONS.c.id == verdict_id)
        if client is not None:
            wanted = wanted.where(VERIFICATIONS.c.client == client)
        with self.database.read("The verdict cannot be read.") as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        return None if found is None else self.seal.open(verdict_id, found)

    def page(self, client: str | None, before: str | None, limit: int) -> list[dict[str, Any]]:
        """Verdicts from the newest on, of one client or of all.

        Args:
            client: whose; None for everybody's.
            before: only those older than this id (ids grow with time).
            limit: how many at most.
        """
        wanted = select(VERIFICATIONS.c.id, VERIFICATIONS.c.sealed).order_by(VERIFICATIONS.c.id.desc()).limit(limit)
        if client is not None:
            wanted = wanted.where(VERIFICATIONS.c.client == client)
        if before is not None:
            wanted = wanted.where(VERIFICATIONS.c.id < before)
        with self.database.read() as connection:
            rows = connection.execute(wanted).all()
        return [self.seal.open(row.id, row.sealed) for row in rows]

    def erase(self, verdict_id: str) -> list[str]:
        """Erase one verdict; the ids that are gone, raises `StoreUnavailable`."""
        return self._delete(VERIFICATIONS.c.id == verdict_id)

    def erase_person(self, number: str) -> list[str]:
        """Erase every verdict in which this card number was read with certainty; raises `StoreUnavailable`.

        Args:
            number: as printed or without brackets, such as `A123456(3)`.
        """
        person = self.seal.person(number)
        return [] if person is None else self._delete(VERIFICATIONS.c.person == person)

    def expire(self, days: float) -> list[str]:
        """Erase what is older than so many days; raises `StoreUnavailable`."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        return self._delete(VERIFICATIONS.c.created_at < oldest)

    def ready(self) -> bool:
        """Whether a write would succeed now."""
        return self.database.ready()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _delete(self, which: ColumnElement[bool]) -> list[str]:
        with self.database.write() as connection:
            rows: Sequence[str] = connection.execute(select(VERIFICATIONS.c.id).where(which)).scalars().all()
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                connection.execute(delete(VERIFICATIONS).where(VERIFICATIONS.c.id.in_(some)))
                connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.operation.in_(some)))
                connection.execute(delete(OPERATIONS).where(OPERATIONS.c.id.in_(some)))
                connection.execute(delete(OUTBOX).where(OUTBOX.c.verification.in_(some)))
        if rows:
            self.database.scrub()
        return list(rows)

    def _same_key(self) -> None:
        """A database that was sealed with another key is refused before anything is added to it."""
        mine = self.seal.fingerprint()
        known = select(FACTS.c.value).where(FACTS.c.name == _KEY_FACT)
        try:
            with self.database.write() as connection:
                found = connection.scalar(known)
                if found is None and self._opens(connection):
                    connection.execute(insert(FACTS).values(name=_KEY_FACT, value=mine))
                    found = mine
        except Conflict:  # another worker noted it first
            with self.database.read() as connection:
                found = connection.scalar(known)
        if found != mine:
            raise StoreUnavailable("The database was sealed with another key; put sealing.key back.")

    def _opens(self, connection: Connection) -> bool:
        """For a database from before its key was noted: whether the key opens what is in it."""
        row = connection.execute(select(VERIFICATIONS.c.id, VERIFICATIONS.c.sealed).limit(1)).first()
        try:
            if row is not None:
                self.seal.open(row.id, row.sealed)
        except StoreUnavailable:
            return False
        return True
