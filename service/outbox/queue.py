"""The transactional outbox: deliveries, their order and their leases."""

import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, text, update

from idproof.pipeline.verdict import new_id
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import OUTBOX
from idproof.service.storage.seal import Seal

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
LEASE_S = 60.0
"""Seconds; longer than any attempt takes. Chosen by hand; no outside source."""


class Kind(StrEnum):
    """Contents of events: a verdict (or a failure, for the webhook), or the erasure of a verdict."""

    VERDICT = "verdict"
    ERASURE = "erasure"


class Destination(StrEnum):
    """Receivers of events."""

    CORE = "core"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one destination.

    Attributes:
        seq: grows with time; of one registration, the later delivery has the greater number.
        event: id, the same at every attempt.
        verification: id of the verification whose verdict or erasure it carries.
        error: code of the last failure.
    """

    seq: int
    event: str
    destination: Destination
    verification: str
    state: str
    attempts: int
    created_at: str
    error: str | None
    kind: Kind = Kind.VERDICT


class Outbox:
    """Queue of deliveries in a database.

    Args:
        database: also holds the verdicts, so that one transaction stores both.
        seal: hashes the names of registrations.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._key = seal.subkey("outbox stream")

    def add(self, connection: Connection, to: Destination, verification: str, registration: str) -> None:
        """Queues a delivery as a part of a larger transaction.

        Args:
            connection: of that transaction.
            to: destination.
            verification: id of the verification.
            registration: deliveries of one registration are made in the order of their transactions.
        """
        stream = hmac.digest(self._key, registration.encode(), "sha256")
        if not self._database.is_sqlite:
            # PostgreSQL gives out numbers before transactions end, so those of one registration must not overlap.
            lock = int.from_bytes(stream[:8], "big", signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        self._insert(connection, to, verification, stream, Kind.VERDICT)

    def add_erasures(self, connection: Connection, verifications: Sequence[str]) -> None:
        """Queues the erasure of verdicts for the core, as a part of the transaction that erases them.

        Only verdicts that were queued for the core are reported. An erasure waits for the verdict's own delivery if
        that is on its way, and for no other: neither does a dead delivery of the same registration hold it back.

        Args:
            connection: of that transaction, before the deliveries of the verdicts are deleted.
            verifications: their ids.
        """
        for verification in verifications:
            known = (OUTBOX.c.verification == verification, OUTBOX.c.destination == Destination.CORE)
            if connection.execute(select(OUTBOX.c.seq).where(*known).limit(1)).first() is not None:
                stream = hmac.digest(self._key, f"erasure\0{verification}".encode(), "sha256")
                self._insert(connection, Destination.CORE, verification, stream, Kind.ERASURE)

    def claim(self, to: Destination, most: int, lease_s: float = LEASE_S) -> list[Delivery]:
        """Claims due deliveries to one destination, each the first of its registration.

        Args:
            to: destination.
            most: largest number of deliveries to claim.
            lease_s: seconds within which nobody else gets them.
        """
        now = _now_ms()
        earlier = OUTBOX.alias()
        blocked = exists().where(
            and_(
                earlier.c.destination == OUTBOX.c.destination,
                or_(earlier.c.stream == OUTBOX.c.stream, earlier.c.verification == OUTBOX.c.verification),
                earlier.c.seq < OUTBOX.c.seq,
                earlier.c.state != DELIVERED,
            )
        )
        due = (OUTBOX.c.destination == to, OUTBOX.c.state == PENDING, OUTBOX.c.due_ms <= now, OUTBOX.c.lease_ms <= now)
        wanted = select(OUTBOX).where(*due, ~blocked).order_by(OUTBOX.c.seq).limit(most)
        with self._database.read() as connection:
            if connection.execute(wanted.limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            rows = connection.execute(wanted.with_for_update(skip_locked=True)).all()
            leased = update(OUTBOX).where(OUTBOX.c.seq.in_([row.seq for row in rows]))
            connection.execute(leased.values(lease_ms=now + int(lease_s * 1000)))
        return [_delivery(row) for row in rows]

    def delivered(self, delivery: Delivery) -> None:
        """Marks a delivery as acknowledged."""
        self._change(OUTBOX.c.seq == delivery.seq, state=DELIVERED, attempts=delivery.attempts + 1, error=None)

    def failed(self, delivery: Delivery, error: str, wait_s: float | None) -> None:
        """Schedules the next attempt in `wait_s` seconds; with None the delivery is dead and waits for an operator."""
        if wait_s is None:
            values: dict[str, Any] = {"state": DEAD}
        else:
            values = {"due_ms": _now_ms() + int(wait_s * 1000), "lease_ms": 0}
        self._change(OUTBOX.c.seq == delivery.seq, attempts=delivery.attempts + 1, error=error, **values)

    def discard(self, delivery: Delivery) -> None:
        """Removes a delivery whose verdict was erased."""
        with self._database.write() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.seq == delivery.seq))

    def retry(self, event: str | None = None) -> int:
        """Queues one dead delivery again, or all of them; returns their number."""
        which = OUTBOX.c.state == DEAD
        return self._change(
            which if event is None else and_(which, OUTBOX.c.event == event),
            state=PENDING,
            attempts=0,
            due_ms=0,
            lease_ms=0,
        )

    def entries(self, state: str | None = None, limit: int = 1000) -> list[Delivery]:
        """Returns deliveries, oldest first."""
        wanted = select(OUTBOX).order_by(OUTBOX.c.seq).limit(limit)
        if state is not None:
            wanted = wanted.where(OUTBOX.c.state == state)
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(wanted).all()]

    def counts(self) -> dict[str, int]:
        """Returns the number of deliveries by state."""
        wanted = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
        with self._database.read() as connection:
            found = {str(state): int(count) for state, count in connection.execute(wanted).all()}
        return dict.fromkeys((PENDING, DELIVERED, DEAD), 0) | found

    def _insert(self, connection: Connection, to: Destination, verification: str, stream: bytes, kind: Kind) -> None:
        row: dict[str, Any] = {"event": "evt_" + new_id().removeprefix("ver_"), "destination": to, "stream": stream}
        row |= {"verification": verification, "state": PENDING, "attempts": 0, "due_ms": 0, "lease_ms": 0}
        row |= {"created_at": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind}
        connection.execute(insert(OUTBOX).values(row))

    def _change(self, which: ColumnElement[bool], **values: Any) -> int:
        with self._database.write() as connection:
            return connection.execute(update(OUTBOX).where(which).values(values)).rowcount


def _delivery(row: Row[Any]) -> Delivery:
    to = Destination(row.destination)
    common = (row.verification, row.state, row.attempts, row.created_at, row.error)
    return Delivery(row.seq, row.event, to, *common, Kind(row.kind))


def _now_ms() -> int:
    return int(time.time() * 1000)
