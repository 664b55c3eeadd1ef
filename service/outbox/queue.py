"""The transactional outbox: what is to be delivered, in which order, and who is at it."""

import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, select, text, update

from idproof.pipeline.verdict import new_id
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import OUTBOX
from idproof.service.storage.seal import Seal

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
LEASE_S = 60.0
_AT_ONCE = 16


class Destination(StrEnum):
    """Who is told."""

    CORE = "core"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery.

    Attributes:
        seq: grows with time: of one registration, the greater one is the later one.
        event: its id, the same at every attempt.
        verification: whose verdict it carries.
        error: code of what went wrong last.
    """

    seq: int
    event: str
    destination: Destination
    verification: str
    state: str
    attempts: int
    created_at: str
    error: str | None


class Outbox:
    """The outbox of a database.

    Args:
        database: of the verdicts too, so that both are kept in one transaction.
        seal: hashes the names of registrations.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._key = seal.subkey("outbox stream")

    def add(self, connection: Connection, to: Destination, verification: str, registration: str) -> None:
        """Note a delivery as a part of a larger transaction.

        Args:
            connection: of the transaction.
            to: whom to tell.
            verification: what about.
            registration: deliveries of one registration are made in the order of their transactions.
        """
        stream = hmac.digest(self._key, registration.encode(), "sha256")
        if not self._database.is_sqlite:
            # Numbers are dealt before transactions end: hold those of one registration apart.
            lock = int.from_bytes(stream[:8], "big", signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        row: dict[str, Any] = {"event": "evt_" + new_id().removeprefix("ver_"), "destination": to, "stream": stream}
        row |= {"verification": verification, "state": PENDING, "attempts": 0, "due_ms": 0, "lease_ms": 0}
        row |= {"created_at": datetime.now(UTC).isoformat(timespec="seconds")}
        connection.execute(insert(OUTBOX).values(row))

    def claim(self) -> list[Entry]:
        """Take what is due and is the first of its registration; others leave it alone for `LEASE_S` seconds."""
        now = _ms()
        earlier = OUTBOX.alias()
        blocked = exists().where(
            and_(
                earlier.c.destination == OUTBOX.c.destination,
                earlier.c.stream == OUTBOX.c.stream,
                earlier.c.seq < OUTBOX.c.seq,
                earlier.c.state != DELIVERED,
            )
        )
        due = (OUTBOX.c.state == PENDING, OUTBOX.c.due_ms <= now, OUTBOX.c.lease_ms <= now)
        wanted = select(OUTBOX).where(*due, ~blocked).order_by(OUTBOX.c.seq).limit(_AT_ONCE)
        with self._database.read() as connection:
            if connection.execute(wanted.limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            rows = connection.execute(wanted.with_for_update(skip_locked=True)).all()
            leased = update(OUTBOX).where(OUTBOX.c.seq.in_([row.seq for row in rows]))
            connection.execute(leased.values(lease_ms=now + int(LEASE_S * 1000)))
        return [_entry(row) for row in rows]

    def delivered(self, entry: Entry) -> None:
        """It was acknowledged."""
        self._change(OUTBOX.c.seq == entry.seq, state=DELIVERED, attempts=entry.attempts + 1, error=None)

    def failed(self, entry: Entry, error: str, wait_s: float | None) -> None:
        """It was not: try again after so many seconds, or not any more (None): then it waits for an operator."""
        if wait_s is None:
            values: dict[str, Any] = {"state": DEAD}
        else:
            values = {"due_ms": _ms() + int(wait_s * 1000), "lease_ms": 0}
        self._change(OUTBOX.c.seq == entry.seq, attempts=entry.attempts + 1, error=error, **values)

    def forget(self, entry: Entry) -> None:
        """Its verdict was erased: there is nothing left to deliver."""
        with self._database.write() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.seq == entry.seq))

    def retry(self, event: str | None = None) -> int:
        """Try one dead delivery again, or all; how many."""
        which = OUTBOX.c.state == DEAD
        return self._change(
            which if event is None else and_(which, OUTBOX.c.event == event),
            state=PENDING,
            attempts=0,
            due_ms=0,
            lease_ms=0,
        )

    def entries(self, state: str | None = None, limit: int = 1000) -> list[Entry]:
        """Deliveries from the oldest on."""
        wanted = select(OUTBOX).order_by(OUTBOX.c.seq).limit(limit)
        if state is not None:
            wanted = wanted.where(OUTBOX.c.state == state)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(wanted).all()]

    def counts(self) -> dict[str, int]:
        """How many there are in each state."""
        wanted = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
        with self._database.read() as connection:
            found = {str(state): int(count) for state, count in connection.execute(wanted).all()}
        return dict.fromkeys((PENDING, DELIVERED, DEAD), 0) | found

    def _change(self, which: ColumnElement[bool], **values: Any) -> int:
        with self._database.write() as connection:
            return connection.execute(update(OUTBOX).where(which).values(values)).rowcount


def _entry(row: Row[Any]) -> Entry:
    to = Destination(row.destination)
    return Entry(row.seq, row.event, to, row.verification, row.state, row.attempts, row.created_at, row.error)


def _ms() -> int:
    return int(time.time() * 1000)
