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
    """Contents of events.

    A verdict (or a failure, for the webhook), its erasure, a passkey bound to it, or unbound; a registration's status,
    its review by people, or its erasure.
    """

    VERDICT = "verdict"
    ERASURE = "erasure"
    PASSKEY = "passkey"
    UNBOUND = "unbound"
    STATUS = "status"
    REVIEW = "review"
    GONE = "gone"


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
        passkey: id of the passkey that it is about, or None.
        registration: id of the registration that it is about, or None.
        number: of the registration's event, or None.
        review: id of the review that it is about, or None.
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
    passkey: str | None = None
    registration: str | None = None
    number: int | None = None
    review: str | None = None


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
        stream = self._ordered_stream(connection, registration)
        self._insert(connection, to, verification, stream, Kind.VERDICT)

    def add_binding(self, connection: Connection, verification: str, passkey: str, registration: str) -> None:
        """Queues the statement of a passkey for the core, after the verdict that it is bound to.

        Args:
            connection: of the transaction that stores the passkey.
            verification: id of the verdict.
            passkey: id of the passkey.
            registration: as in `add`.
        """
        stream = self._ordered_stream(connection, registration)
        self._insert(connection, Destination.CORE, verification, stream, Kind.PASSKEY, passkey=passkey)

    def add_unbinding(self, connection: Connection, verification: str, passkey: str) -> None:
        """Queues for the core that a passkey was revoked or erased, as a part of the transaction that does so.

        A statement that did not arrive yet is not sent any more, unless it is on its way, so that a dead one does not
        hold this back: the core may be told of a passkey that it does not know.
        """
        resting = or_(OUTBOX.c.state == DEAD, and_(OUTBOX.c.state == PENDING, OUTBOX.c.lease_ms <= _now_ms()))
        known = (OUTBOX.c.passkey == passkey, OUTBOX.c.kind == Kind.PASSKEY, resting)
        connection.execute(delete(OUTBOX).where(*known))
        stream = hmac.digest(self._key, f"unbound\0{passkey}".encode(), "sha256")
        self._insert(connection, Destination.CORE, verification, stream, Kind.UNBOUND, passkey=passkey)

    def add_status(self, connection: Connection, to: Destination, registration: str, number: int) -> None:
        """Queues an event of a registration, after its verdicts and its earlier events.

        Args:
            connection: of the transaction that performs the transition.
            to: destination.
            registration: its id.
            number: of the event, within the registration.
        """
        stream = self._ordered_stream(connection, registration_stream(registration))
        about = {"registration": registration, "number": number}
        self._insert(connection, to, registration, stream, Kind.STATUS, **about)

    def add_review(self, connection: Connection, registration: str, review: str) -> None:
        """Queues the signed statements of a review for the core, before the event that follows from them.

        Args:
            connection: of the transaction that decides it.
            registration: its id.
            review: id of the review.
        """
        stream = self._ordered_stream(connection, registration_stream(registration))
        about = {"registration": registration, "review": review}
        self._insert(connection, Destination.CORE, registration, stream, Kind.REVIEW, **about)

    def end_statuses(self, connection: Connection, registrations: Sequence[str], *, report: bool) -> None:
        """Ends the events of registrations that are erased, unless they are on their way, and queues the erasures.

        Only registrations that were queued for the core are reported to it. An erasure waits for what is on its way.

        Args:
            connection: of the transaction that erases them.
            registrations: their ids.
            report: whether the core gets an event of each erased registration.
        """
        statuses = (OUTBOX.c.registration.in_(registrations), OUTBOX.c.kind.in_((Kind.STATUS, Kind.REVIEW)))
        to_core = select(OUTBOX.c.registration).where(*statuses, OUTBOX.c.destination == Destination.CORE).distinct()
        reported = sorted(connection.execute(to_core).scalars()) if report else []
        resting = or_(OUTBOX.c.state != PENDING, OUTBOX.c.lease_ms <= _now_ms())
        connection.execute(delete(OUTBOX).where(*statuses, resting))
        for registration in reported:
            stream = hmac.digest(self._key, f"erasure\0{registration}".encode(), "sha256")
            self._insert(connection, Destination.CORE, registration, stream, Kind.GONE, registration=registration)

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

    def redeliver(self, connection: Connection, subjects: Sequence[str]) -> int:
        """Queues again what was delivered, or given up, about some subjects; returns the number of deliveries.

        They keep their ids, numbers and order, so that a receiver knows them.

        Args:
            connection: of the transaction.
            subjects: ids of verifications and registrations.
        """
        again = update(OUTBOX).where(OUTBOX.c.verification.in_(subjects), OUTBOX.c.state != PENDING)
        return connection.execute(again.values(state=PENDING, attempts=0, due_ms=0, lease_ms=0)).rowcount

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

    def _ordered_stream(self, connection: Connection, registration: str) -> bytes:
        """Returns the stream of a registration, in which this transaction is the only one that adds."""
        stream = hmac.digest(self._key, registration.encode(), "sha256")
        if not self._database.is_sqlite:
            # PostgreSQL gives out numbers before transactions end, so those of one registration must not overlap.
            lock = int.from_bytes(stream[:8], "big", signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        return stream

    def _insert(
        self,
        connection: Connection,
        to: Destination,
        verification: str,
        stream: bytes,
        kind: Kind,
        **about: Any,
    ) -> None:
        row: dict[str, Any] = {"event": "evt_" + new_id().removeprefix("ver_"), "destination": to, "stream": stream}
        row |= {"verification": verification, "state": PENDING, "attempts": 0, "due_ms": 0, "lease_ms": 0}
        row |= {"created_at": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind}
        connection.execute(insert(OUTBOX).values(row | about))

    def _change(self, which: ColumnElement[bool], **values: Any) -> int:
        with self._database.write() as connection:
            return connection.execute(update(OUTBOX).where(which).values(values)).rowcount


def _delivery(row: Row[Any]) -> Delivery:
    to = Destination(row.destination)
    common = (row.verification, row.state, row.attempts, row.created_at, row.error)
    return Delivery(
        row.seq, row.event, to, *common, Kind(row.kind), row.passkey, row.registration, row.number, row.review
    )


def registration_stream(registration: str) -> str:
    """Returns the name of the order in which the verdicts and events of a registration are delivered."""
    return f"registration\0{registration}"


def _now_ms() -> int:
    return int(time.time() * 1000)
