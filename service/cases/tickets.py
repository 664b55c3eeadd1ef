"""Tickets for a counter: a code without personal data, and the visit of its registration to the counter that opens it.

A code has ten characters of Crockford's base 32: 50 bits. Five wrong codes within an hour lock a counter, and 500 lock
them all, for the hour. Whoever had stolen the keys of 100 counters could try 500 codes in an hour; with 10,000 tickets
waiting, one of a year's 4.4 million codes is right with a chance of 4 in 100,000 (4.4e6 * 1e4 / 2^50).
"""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from idproof.service.errors import ServiceProblem
from idproof.service.storage.engine import Database
from idproof.service.storage.schema_registrations import (
    COUNTER_GUESSES,
    COUNTER_TICKETS,
    REGISTRATIONS,
    TICKET_OPENED,
)
from idproof.service.storage.seal import Seal

CODE_PATTERN = r"^[0-9A-Za-z -]{10,20}$"
"""Form of a code as people may type it."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no letter looks like a digit
_READ_AS = str.maketrans("OIL", "011", " -")
_CODE_LENGTH = 10
WRONG_CODES = 5
WRONG_CODES_OF_ALL = 500
LOCKED_S = 3600.0
"""Wrong codes within `LOCKED_S` seconds after which a counter, and every counter, is locked. The first is the issue's,
the others are chosen by hand: an honest counter mistypes less often."""
_LOCK = 0x1D97C0D
"""PostgreSQL's advisory lock of codes that are tried: any number, as long as every version uses the same."""


class TicketState(StrEnum):
    """State of a ticket."""

    ISSUED = "issued"
    OPENED = TICKET_OPENED
    DECIDED = "decided"


class TicketEvent(StrEnum):
    """Cause of a transition."""

    CODE_SHOWN = "code shown"
    CAPTURES_TAKEN = "captures taken"
    DECIDED = "decided"


TRANSITIONS: Mapping[TicketState, Mapping[TicketEvent, TicketState]] = {
    TicketState.ISSUED: {TicketEvent.CODE_SHOWN: TicketState.OPENED},
    TicketState.OPENED: {
        TicketEvent.CODE_SHOWN: TicketState.OPENED,
        TicketEvent.CAPTURES_TAKEN: TicketState.OPENED,
        TicketEvent.DECIDED: TicketState.DECIDED,
    },
    TicketState.DECIDED: {},
}
"""`docs/after-refer.md` says the same in words. A ticket that is revoked or replaced is deleted."""


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket as it is given to the applicant.

    Attributes:
        code: in two groups; shown only here.
        expires_ms: milliseconds since 1970 after which no counter takes it.
    """

    code: str = field(repr=False)
    expires_ms: int

    @property
    def expires_at(self) -> str:
        """The same in ISO 8601 UTC."""
        return datetime.fromtimestamp(self.expires_ms / 1000, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Visit:
    """A registration that is open at a counter.

    Attributes:
        registration: its id.
        verification: the last verdict of captures that were taken there, or None.
        expires_ms: milliseconds since 1970 after which the applicant needs another ticket.
    """

    registration: str
    verification: str | None
    expires_ms: int


class CounterTickets:
    """The tickets of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: hashes codes and counters.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._code_key = seal.subkey("counter code")
        self._device_key = seal.subkey("counter device")

    def issue(self, connection: Connection, registration: str, expires_ms: int) -> IssuedTicket:
        """Issues a ticket, in the transaction that locks its registration; an earlier one is void."""
        plain = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        self.revoke(connection, registration)
        row = {"registration": registration, "mac": self._mac(plain), "expires_ms": expires_ms}
        connection.execute(insert(COUNTER_TICKETS).values(row | {"state": TicketState.ISSUED}))
        return IssuedTicket(f"{plain[:5]}-{plain[5:]}", expires_ms)

    @staticmethod
    def revoke(connection: Connection, registration: str) -> bool:
        """Makes the ticket of a registration void; returns False if there is none that was not decided."""
        mine = (COUNTER_TICKETS.c.registration == registration, COUNTER_TICKETS.c.state != TicketState.DECIDED)
        return connection.execute(delete(COUNTER_TICKETS).where(*mine)).rowcount > 0

    def open(self, code: str, client: str, visit_s: float) -> Visit:
        """Opens the registration of a code at a counter, or finds it open there.

        Args:
            code: as it was typed or read.
            client: of the counter.
            visit_s: seconds for which it stays open, but never longer than until the registration expires.

        Raises:
            ServiceProblem: `counter_code_invalid`, which counts, or `counter_locked`, whatever the code.
        """
        # The count of wrong codes is stored although the request is refused.
        with self._database.write() as connection:
            self._require_unlocked(connection, client)
            row = self._row(connection, code, client)
            if row is None:
                device = hmac.digest(self._device_key, client.encode(), "sha256")
                connection.execute(insert(COUNTER_GUESSES).values(device=device, at_ms=_ms()))
            elif row.state == TicketState.ISSUED:
                ends = min(_ms(visit_s), _expiry(connection, row.registration))
                values = {"state": TicketState.OPENED, "client": client, "expires_ms": ends}
                mine = COUNTER_TICKETS.c.registration == row.registration
                connection.execute(update(COUNTER_TICKETS).where(mine).values(values))
                return Visit(row.registration, None, ends)
        if row is None:
            raise ServiceProblem("counter_code_invalid", "No ticket in force has this code at this counter.")
        return Visit(row.registration, row.verification, row.expires_ms)

    def decided(self, code: str, client: str) -> tuple[str, str] | None:
        """Returns registration and statement of a visit that this counter decided, while its time lasts; else None.

        A code that finds nothing here is not counted: `open` looks for it next, and counts it.
        """
        columns = COUNTER_TICKETS.c
        mine = (columns.mac == self._mac(code), columns.client == client, columns.state == TicketState.DECIDED)
        wanted = select(columns.registration, columns.statement).where(*mine, columns.expires_ms > _ms())
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else (row.registration, row.statement)

    def decide(self, connection: Connection, registration: str, client: str, statement: str) -> None:
        """Ends a visit with the officer's signed statement; raises `ServiceProblem` if it ended before."""
        columns = COUNTER_TICKETS.c
        mine = (columns.registration == registration, columns.client == client, columns.state == TicketState.OPENED)
        values = {"state": TicketState.DECIDED, "statement": statement}
        if connection.execute(update(COUNTER_TICKETS).where(*mine).values(values)).rowcount != 1:
            raise ServiceProblem("counter_code_invalid", "No ticket in force has this code at this counter.")

    def clean(self) -> None:
        """Deletes wrong codes that no longer count, and tickets that were never decided and are over."""
        with self._database.write() as connection:
            connection.execute(delete(COUNTER_GUESSES).where(COUNTER_GUESSES.c.at_ms < _ms(-LOCKED_S)))
            over = (COUNTER_TICKETS.c.expires_ms < _ms(), COUNTER_TICKETS.c.state != TicketState.DECIDED)
            connection.execute(delete(COUNTER_TICKETS).where(*over))

    def _row(self, connection: Connection, code: str, client: str) -> Row[Any] | None:
        columns = COUNTER_TICKETS.c
        mine = (columns.mac == self._mac(code), columns.expires_ms > _ms(), columns.state != TicketState.DECIDED)
        row = connection.execute(select(COUNTER_TICKETS).where(*mine).with_for_update()).first()
        return row if row is not None and row.client in (None, client) else None

    def _require_unlocked(self, connection: Connection, client: str) -> None:
        if connection.dialect.name == "postgresql":
            # One code at a time: those that are tried together are counted one after another.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        device = hmac.digest(self._device_key, client.encode(), "sha256")
        recent = COUNTER_GUESSES.c.at_ms >= _ms(-LOCKED_S)
        for which, most in (((COUNTER_GUESSES.c.device == device,), WRONG_CODES), ((), WRONG_CODES_OF_ALL)):
            counted = select(func.count(), func.min(COUNTER_GUESSES.c.at_ms)).where(recent, *which)
            number, oldest = connection.execute(counted).one()
            if number >= most:
                wait = max(1, int(oldest / 1000 + LOCKED_S - time.time()) + 1)
                raise ServiceProblem("counter_locked", "Too many wrong codes; try again later.", retry_after=wait)

    def _mac(self, code: str) -> bytes:
        return hmac.digest(self._code_key, code.upper().translate(_READ_AS).encode(), "sha256")


def captured(connection: Connection, registration: str, verification: str) -> None:
    """Notes the verdict of captures that were taken at a counter, in the transaction that stores it."""
    mine = (COUNTER_TICKETS.c.registration == registration, COUNTER_TICKETS.c.state == TicketState.OPENED)
    connection.execute(update(COUNTER_TICKETS).where(*mine).values(verification=verification))


def _expiry(connection: Connection, registration: str) -> int:
    """Returns milliseconds since 1970 at which the registration of a locked ticket expires."""
    wanted = select(REGISTRATIONS.c.expires_ms).where(REGISTRATIONS.c.id == registration)
    return int(connection.execute(wanted).scalar_one())


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)
