"""Static API keys: `idp_ID_SECRET`. The secret has 256 random bits; only its SHA-256 is stored."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from sqlalchemy import insert, select, update

from idproof.service.auth.clients import Client, Scope
from idproof.service.storage import Database
from idproof.service.storage.schema import API_KEYS

PREFIX = "idp_"
_ID_BYTES = 6  # enough to tell the keys of one service apart
_SECRET_BYTES = 32  # 256 bits cannot be guessed (NIST SP 800-63B asks for 112 or more)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The public part of a key."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class ApiKeys:
    """The keys of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, scopes: Iterable[Scope], days: float | None = None) -> str:
        """Creates a key and returns it; it cannot be read again. Raises `StoreUnavailable`."""
        key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        now = datetime.now(UTC)
        row: dict[str, Any] = {
            "id": key_id,
            "name": name,
            "hash": _hashed(secret),
            "created_at": now.isoformat(timespec="seconds"),
        }
        expires_at = None if days is None else (now + timedelta(days=days)).isoformat(timespec="seconds")
        row |= {"scopes": " ".join(sorted(set(scopes))), "expires_at": expires_at}
        with self._database.write() as connection:
            connection.execute(insert(API_KEYS).values(row))
        return f"{PREFIX}{key_id}_{secret}"

    def find(self, presented: str) -> Client | None:
        """Returns the client of a valid key, or None; raises `StoreUnavailable`."""
        key_id, _, secret = presented.removeprefix(PREFIX).partition("_")
        with self._database.read() as connection:
            row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).first()
        # An unknown id takes as long as a wrong secret.
        matches = compare_digest(_hashed(secret), row.hash if row is not None else bytes(32))
        if row is None or not matches or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC).isoformat(timespec="seconds"):
            return None
        return Client(f"key:{row.id}", frozenset(Scope(scope) for scope in row.scopes.split() if scope in set(Scope)))

    def revoke(self, key_id: str) -> bool:
        """Revokes a key at once for every server of this database; returns False if no valid key has this id."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        valid = (API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(update(API_KEYS).where(*valid).values(revoked_at=now)).rowcount == 1

    def entries(self) -> list[KeyEntry]:
        """Returns the public part of every key; raises `StoreUnavailable`."""
        with self._database.read() as connection:
            rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at)).all()
        return [
            KeyEntry(row.id, row.name, tuple(row.scopes.split()), row.created_at, row.expires_at, row.revoked_at)
            for row in rows
        ]


def _hashed(secret: str) -> bytes:
    # A slow hash would cost time per request and add nothing: 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).digest()
