"""Verdicts that the records did not answer: kept sealed for minutes, so that the records can be asked again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update

from idproof.service.storage.engine import Database
from idproof.service.storage.schema_registrations import RECORD_RETRIES
from idproof.service.storage.seal import Seal

if TYPE_CHECKING:
    from idproof.service.storage.ledger import Ticket

FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 120.0
"""Seconds before the records are asked for the first time again; waits double up to the longest. Chosen by hand: the
records are not called for 30 s after five failures (`docs/peers.md`)."""
_LEASE_S = 60.0
"""Seconds for which no other server process asks; longer than an answer may take (12 s). Chosen by hand."""


@dataclass(frozen=True, slots=True)
class RecordRetry:
    """One verdict that waits for the records.

    Attributes:
        id: of the verdict.
        registration: of which it is the last attempt.
        client: its owner.
        kept: the verdict as JSON, and the caller's reference and session. Personal data.
        tries: how often the records were asked again.
        expires_ms: milliseconds since 1970 after which they are asked no more.
    """

    id: str
    registration: str
    client: str
    kept: Mapping[str, Any] = field(repr=False)
    tries: int
    expires_ms: int


class RecordRetries:
    """The waiting verdicts of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: of the database.
        lifetime_s: seconds for which the records are asked again.
    """

    def __init__(self, database: Database, seal: Seal, lifetime_s: float) -> None:
        self._database = database
        self._seal = seal
        self._lifetime_s = lifetime_s

    def hold(self, connection: Connection, ticket: "Ticket", kept: Mapping[str, Any]) -> None:
        """Lets a verdict of a registration wait, in the transaction that stores it."""
        row: dict[str, Any] = {"id": ticket.id, "registration": ticket.registration, "client": ticket.client}
        row |= {"sealed": self._seal.close(retry_name(ticket.id), dict(kept)), "tries": 0}
        row |= {"due_ms": _ms(FIRST_WAIT_S), "expires_ms": _ms(self._lifetime_s)}
        connection.execute(insert(RECORD_RETRIES).values(row))

    def claim(self) -> RecordRetry | None:
        """Claims one verdict that is due; no other worker gets it until its lease lapses."""
        due = RECORD_RETRIES.c.due_ms <= _ms()
        with self._database.read() as connection:
            if connection.execute(select(RECORD_RETRIES.c.id).where(due).limit(1)).first() is None:
                return None
        wanted = select(RECORD_RETRIES).where(due).order_by(RECORD_RETRIES.c.due_ms).limit(1)
        with self._database.write() as connection:
            row = connection.execute(wanted.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            leased = update(RECORD_RETRIES).where(RECORD_RETRIES.c.id == row.id)
            connection.execute(leased.values(due_ms=_ms(_LEASE_S), tries=row.tries + 1))
        kept = self._seal.open(retry_name(row.id), row.sealed)
        return RecordRetry(row.id, row.registration, row.client, kept, row.tries + 1, row.expires_ms)

    def postpone(self, retry: RecordRetry) -> None:
        """Has the records asked again later: after a wait that doubles with each try."""
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**retry.tries)
        with self._database.write() as connection:
            mine = RECORD_RETRIES.c.id == retry.id
            connection.execute(update(RECORD_RETRIES).where(mine).values(due_ms=_ms(wait)))

    @staticmethod
    def may_ask_again(retry: RecordRetry) -> bool:
        """Returns whether another try would still be within the time of a verdict that waits."""
        return _ms() < retry.expires_ms

    @staticmethod
    def drop(connection: Connection, registration: str, verification: str | None = None) -> bool:
        """Deletes the waiting verdicts of a registration, or one of them; returns False if none waits any more.

        The registration is locked, so that what waits, and what it waits for, end in one order.
        """
        which = [RECORD_RETRIES.c.registration == registration]
        if verification is not None:
            which.append(RECORD_RETRIES.c.id == verification)
        return connection.execute(delete(RECORD_RETRIES).where(*which)).rowcount > 0


def retry_name(verification: str) -> str:
    """Returns the name under which a waiting verdict is sealed."""
    return f"{verification} records"


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)
