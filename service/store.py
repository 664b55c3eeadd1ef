"""Verdicts at rest: one row each, sealed with AES-256-GCM under a key that is not in the database.

A copy of the database tells how many registrations there were, when, and which were of one card: the card's number is
there only as a keyed hash (HMAC-SHA-256), so that all that is kept of a person can be found and erased.
"""

import hmac
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from idproof.pipeline.errors import IdproofError

_NONCE_BYTES = 12
_METADATA = MetaData()
_VERIFICATIONS = Table(
    "verifications",
    _METADATA,
    Column("id", String(30), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("person", LargeBinary, nullable=True, index=True),
)


class StoreUnavailable(IdproofError):
    """The database cannot be read or written, or a row does not open with the key."""

    code = "store_unavailable"


class VerdictStore:
    """Keeps verdicts by id; safe to use from several threads."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._cipher = AESGCM(key)
        self._index = HKDF(SHA256(), 32, None, b"idproof person index").derive(key)

    @classmethod
    def open(cls, path: Path, key: bytes) -> "VerdictStore":
        """The SQLite database at `path`, made when it is not there; raises `StoreUnavailable`."""
        # Parameters would otherwise stand in the text of database errors.
        # A connection a use, so that a file that was moved away is noticed.
        engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True, poolclass=NullPool)
        event.listen(engine, "connect", _configure)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # For its owner alone; SQLite gives its companion files the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            _METADATA.create_all(engine)
            _add_missing_column(engine)
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable("The database cannot be opened.") from None
        return cls(engine, key)

    def save(self, verdict_id: str, document: dict[str, Any]) -> None:
        """Keep one verdict; raises `StoreUnavailable`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, json.dumps(document).encode(), verdict_id.encode())
        row = {
            "id": verdict_id,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sealed": nonce + sealed,
            "person": self._person((document.get("form") or {}).get("number")),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_VERIFICATIONS).values(row))
        except SQLAlchemyError:
            raise StoreUnavailable("The verdict cannot be stored.") from None

    def load(self, verdict_id: str) -> dict[str, Any] | None:
        """The verdict of this id, or None; raises `StoreUnavailable`."""
        try:
            with self._engine.connect() as connection:
                found = connection.execute(
                    select(_VERIFICATIONS.c.sealed).where(_VERIFICATIONS.c.id == verdict_id)
                ).scalar_one_or_none()
            if found is None:
                return None
            opened = self._cipher.decrypt(found[:_NONCE_BYTES], found[_NONCE_BYTES:], verdict_id.encode())
        except (SQLAlchemyError, InvalidTag):
            raise StoreUnavailable("The verdict cannot be read.") from None
        document: dict[str, Any] = json.loads(opened)
        return document

    def erase(self, verdict_id: str) -> list[str]:
        """Erase one verdict; the ids that are gone, raises `StoreUnavailable`."""
        return self._delete(_VERIFICATIONS.c.id == verdict_id)

    def erase_person(self, number: str) -> list[str]:
        """Erase every verdict in which this card number was read with certainty; raises `StoreUnavailable`.

        Args:
            number: as printed or without brackets, such as `A123456(3)`.
        """
        person = self._person(number)
        return [] if person is None else self._delete(_VERIFICATIONS.c.person == person)

    def expire(self, days: float) -> list[str]:
        """Erase what is older than so many days; raises `StoreUnavailable`."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        return self._delete(_VERIFICATIONS.c.created_at < oldest)

    def _delete(self, which: ColumnElement[bool]) -> list[str]:
        """Delete rows, and overwrite what SQLite would leave of them in the file and its journal."""
        try:
            with self._engine.begin() as connection:
                rows: Sequence[str] = connection.execute(select(_VERIFICATIONS.c.id).where(which)).scalars().all()
                connection.execute(delete(_VERIFICATIONS).where(_VERIFICATIONS.c.id.in_(rows)))
            if rows:
                with self._engine.connect() as connection:
                    connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        except SQLAlchemyError:
            raise StoreUnavailable("The database cannot be changed.") from None
        return list(rows)

    def _person(self, number: str | None) -> bytes | None:
        if not number:
            return None
        plain = "".join(character for character in number.upper() if character.isalnum())
        return hmac.digest(self._index, plain.encode(), "sha256")

    def ready(self) -> bool:
        """Whether a write would succeed now."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("BEGIN IMMEDIATE"))
                connection.execute(select(_VERIFICATIONS.c.id).limit(1))
                connection.rollback()
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _add_missing_column(engine: Engine) -> None:
    """A database of an earlier version: its verdicts are found by id, not yet by person."""
    if "person" not in {column["name"] for column in inspect(engine).get_columns("verifications")}:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE verifications ADD COLUMN person BLOB"))


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # deleted rows are overwritten with zeros
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
