"""Leases of running verifications: the server that runs one renews its lease, or counts as killed.

Another verification of the same session, idempotency key or registration may begin when the lease has lapsed. It takes
the earlier one the right to finish in the transaction in which it begins.
"""

import time
from typing import Any

from sqlalchemy import Connection, Row, select, update

from idproof.service.errors import ServiceProblem
from idproof.service.storage.schema import OPERATIONS, STATE_RUNNING

LEASE_S = 15.0
"""Seconds of a lease: after a server was killed, retries of its clients begin anew within this time. Chosen by hand."""

RUNNING, DONE = STATE_RUNNING, "done"


def new_end_ms() -> int:
    """Returns the end of a lease that begins now, in milliseconds of Unix time."""
    return int((time.time() + LEASE_S) * 1000)


def is_alive(operation: Row[Any]) -> bool:
    """Returns whether the lease of a verification is in force."""
    return bool(operation.lease_ms > time.time() * 1000)


def in_progress() -> ServiceProblem:
    """Returns the problem of a verification that runs already."""
    return ServiceProblem("request_in_progress", "The same registration is being verified; ask again shortly.")


def end_lost(connection: Connection, operation: str) -> str | None:
    """Takes a verification whose server ended its right to finish; returns the state, or None if it was erased.

    Raises:
        ServiceProblem: it is running.
    """
    # A finished verification is not locked: an erasure locks the registration first and its verifications then.
    done = select(OPERATIONS.c.id).where(OPERATIONS.c.id == operation, OPERATIONS.c.state == DONE)
    if connection.execute(done).first() is not None:
        return DONE
    row = connection.execute(select(OPERATIONS).where(OPERATIONS.c.id == operation).with_for_update()).first()
    if row is None:
        return None
    if row.state == RUNNING and is_alive(row):
        raise in_progress()
    if row.state == RUNNING:
        connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == operation).values(owner="nobody"))
    return str(row.state)


def retire(connection: Connection, operation: str) -> None:
    """Takes an earlier verification its right to finish; raises `ServiceProblem` if it finished or is running."""
    if end_lost(connection, operation) in (None, DONE):
        raise ServiceProblem("session_used", "The capture session has led to a verdict already; open another one.")
