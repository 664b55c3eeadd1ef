"""Rows of registrations, as verifications that begin need them; `idproof.service.cases` performs the transitions."""

import time
from typing import Any

from sqlalchemy import Connection, Row, select, update

from idproof.service.cases.states import CAPTURING, RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.storage.schema_registrations import COUNTER_TICKETS, REGISTRATIONS, TICKET_OPENED


def find(connection: Connection, registration: str, client: str, *, lock: bool = False) -> Row[Any]:
    """Returns a client's registration, or one that is open at its counter; raises `registration_unknown` for any other.

    Args:
        connection: of the transaction.
        registration: its id.
        client: its owner.
        lock: nobody else changes it until the transaction ends.
    """
    wanted = select(REGISTRATIONS).where(REGISTRATIONS.c.id == registration)
    row = connection.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None or (row.client != client and not _visits(connection, row, client)):
        raise ServiceProblem("registration_unknown", "There is no registration of this id.")
    return row


def require_captures(connection: Connection, row: Row[Any], client: str) -> None:
    """Raises `ServiceProblem` `registration_closed` unless the client may send captures now.

    At a counter only the counter's client may, whose ticket is open; before, only the registration's own.
    """
    in_time = row.expires_ms > time.time() * 1000
    if RegistrationStatus(row.status) is RegistrationStatus.AT_COUNTER:
        allowed = _visits(connection, row, client)
    else:
        allowed = RegistrationStatus(row.status) in CAPTURING and row.client == client
    if not (in_time and allowed):
        raise ServiceProblem("registration_closed", "The registration takes no captures in its present status.")


def _visits(connection: Connection, row: Row[Any], client: str) -> bool:
    """Returns whether the registration is open at a counter of this client."""
    columns = COUNTER_TICKETS.c
    mine = (columns.registration == row.id, columns.client == client, columns.state == TICKET_OPENED)
    in_time = columns.expires_ms > time.time() * 1000
    return connection.execute(select(columns.registration).where(*mine, in_time)).first() is not None


def hold(connection: Connection, registration: str, client: str, earlier: str | None, operation: str) -> None:
    """Makes a verification the one that may end in a registration's next verdict.

    Args:
        connection: of the transaction that begins it.
        registration: its id.
        client: its owner.
        earlier: the verification that held it; known to have ended.
        operation: the new one.

    Raises:
        ServiceProblem: `registration_unknown`, `registration_closed`, or `request_in_progress`: another verification
            began meanwhile.
    """
    row = find(connection, registration, client, lock=True)
    if row.operation != earlier:
        raise ServiceProblem("request_in_progress", "The same registration is being verified; ask again shortly.")
    require_captures(connection, row, client)
    held = update(REGISTRATIONS).where(REGISTRATIONS.c.id == registration)
    connection.execute(held.values(operation=operation))
