"""Erasure of registrations with everything that belongs to them, and the events of it for the identity core."""

import time
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from idproof.service.cases.states import UNFINISHED
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox.queue import Outbox
from idproof.service.storage.schema_registrations import OF_REGISTRATIONS, REGISTRATION_ATTEMPTS, REGISTRATIONS
from idproof.service.storage.seal import Seal

_PER_STATEMENT = 500
"""SQLite allows 999 parameters in its older versions (SQLITE_MAX_VARIABLE_NUMBER)."""
_DAY_MS = 86_400_000


class RegistrationErasure:
    """Erases registrations within the transaction that erases their verdicts.

    Args:
        outbox: reports each to the core, if the core was told of it.
        audit: gets a line for each.
        seal: hashes card numbers.
        by: the actor, for the audit log.

    Attributes:
        erased: number of registrations that were erased.
    """

    def __init__(self, outbox: Outbox, audit: AuditLog, seal: Seal, by: str) -> None:
        self._outbox = outbox
        self._audit = audit
        self._seal = seal
        self._by = by
        self.erased = 0

    def of_id(self, connection: Connection, registration: str) -> list[str]:
        """Returns the id of a registration that exists, locked, so that no verdict is added meanwhile."""
        return _locked(connection, REGISTRATIONS.c.id == registration)

    def of_verdict(self, connection: Connection, verification: str) -> list[str]:
        """Returns the registration of a verdict, locked."""
        mine = select(REGISTRATION_ATTEMPTS.c.registration).where(REGISTRATION_ATTEMPTS.c.verification == verification)
        return _locked(connection, REGISTRATIONS.c.id.in_(mine))

    def of_person(self, connection: Connection, number: str) -> list[str]:
        """Returns the registrations in which a card's number was read with certainty, locked."""
        person = self._seal.person(number)
        return [] if person is None else _locked(connection, REGISTRATIONS.c.person == person)

    def verdicts(self, connection: Connection, registrations: Iterable[str]) -> list[str]:
        """Returns the ids of all verdicts of registrations."""
        found: list[str] = []
        for some in _pieces(list(registrations)):
            mine = REGISTRATION_ATTEMPTS.c.registration.in_(some)
            found += connection.execute(select(REGISTRATION_ATTEMPTS.c.verification).where(mine)).scalars()
        return found

    def erase(self, connection: Connection, registrations: Sequence[str], *, report: bool = True) -> None:
        """Erases registrations that are locked.

        Args:
            connection: of the transaction.
            registrations: their ids.
            report: whether the core is told; it is not of the end of retention.
        """
        for some in _pieces(registrations):
            self._outbox.end_statuses(connection, some, report=report)
            for table in OF_REGISTRATIONS:
                connection.execute(delete(table).where(table.c.registration.in_(some)))
            connection.execute(delete(REGISTRATIONS).where(REGISTRATIONS.c.id.in_(some)))
            for registration in some if report else ():
                self._audit.append("registration_erased", registration=registration, by=self._by)
        self.erased += len(registrations)

    def retire(self, connection: Connection, days: float) -> None:
        """Erases registrations that ended more than this many days ago."""
        oldest = int(time.time() * 1000 - days * _DAY_MS)
        ended = (REGISTRATIONS.c.status.not_in(UNFINISHED), REGISTRATIONS.c.changed_ms < oldest)
        wanted = select(REGISTRATIONS.c.id).where(*ended).limit(_PER_STATEMENT).with_for_update()
        self.erase(connection, list(connection.execute(wanted).scalars()), report=False)


def _locked(connection: Connection, which: ColumnElement[bool]) -> list[str]:
    wanted = select(REGISTRATIONS.c.id).where(which).order_by(REGISTRATIONS.c.id).with_for_update()
    return list(connection.execute(wanted).scalars())


def _pieces(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + _PER_STATEMENT] for start in range(0, len(values), _PER_STATEMENT)]
