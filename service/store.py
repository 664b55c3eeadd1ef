"""Verdicts at rest: one row each, sealed with AES-256-GCM under a key that is not in the database.

A copy of the database tells how many registrations there were and when, and nothing about anybody.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import URL, Column, LargeBinary, MetaData, String, Table, create_engine, event, insert, select, text
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
)


class StoreUnavailable(IdproofError):
    """The database cannot be read or written, or a row does not open with the key."""

    code = "store_unavailable"


class VerdictStore:
    """Keeps verdicts by id; safe to use from several threads."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._cipher = AESGCM(key)

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


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
