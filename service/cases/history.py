"""Events of registrations: their numbered history, and the claims with which each is delivered."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS, REGISTRATION_EVENTS, REGISTRATIONS
from idproof.service.storage.seal import Seal


@dataclass(frozen=True, slots=True)
class Happening:
    """One transition of a registration.

    Attributes:
        number: of the registration's events, from 1 without a gap.
        event: the cause.
        status: that followed.
        at: ISO 8601 UTC.
        verification: id of the verdict that it is about, or None.
        statement: SHA-256 of a person's signed statement that decided it, in hexadecimal, or None.
    """

    number: int
    event: RegistrationEvent
    status: RegistrationStatus
    at: str
    verification: str | None = None
    statement: str | None = None


def record(connection: Connection, registration: str, happening: Happening, at_ms: int) -> None:
    """Stores a transition in the transaction that performs it."""
    row = {"registration": registration, "number": happening.number, "event": happening.event}
    row |= {"status": happening.status, "verification": happening.verification, "statement": happening.statement}
    connection.execute(insert(REGISTRATION_EVENTS).values(row | {"at_ms": at_ms}))


def of(connection: Connection, registration: str) -> list[Happening]:
    """Returns the transitions of a registration, oldest first."""
    mine = REGISTRATION_EVENTS.c.registration == registration
    rows = connection.execute(select(REGISTRATION_EVENTS).where(mine).order_by(REGISTRATION_EVENTS.c.number)).all()
    return [_happening(row) for row in rows]


def claims(connection: Connection, seal: Seal, registration: str, number: int) -> dict[str, Any] | None:
    """Returns the claims of one event, the same at each delivery; None if the registration was erased."""
    mine = (REGISTRATION_EVENTS.c.registration == registration, REGISTRATION_EVENTS.c.number == number)
    row = connection.execute(select(REGISTRATION_EVENTS).where(*mine)).first()
    wanted = select(REGISTRATIONS.c.sealed).where(REGISTRATIONS.c.id == registration)
    resource = connection.execute(wanted).first()
    if row is None or resource is None:
        return None
    happening = _happening(row)
    sealed = {} if resource.sealed is None else seal.open(registration, resource.sealed)
    about: dict[str, Any] = {"registration": registration, "reference": sealed.get("reference"), "number": number}
    about |= {"event": happening.event, "status": happening.status, "at": happening.at}
    about |= {"verification": happening.verification, "statement_sha256": happening.statement}
    return about | _attempt(connection, happening.verification)


def _attempt(connection: Connection, verification: str | None) -> dict[str, Any]:
    attempt = select(REGISTRATION_ATTEMPTS).where(REGISTRATION_ATTEMPTS.c.verification == verification)
    found = None if verification is None else connection.execute(attempt).first()
    if found is None:
        return {"decision": None, "reasons": []}
    return {"decision": found.decision, "reasons": json.loads(found.reasons)}


def _happening(row: Row[Any]) -> Happening:
    at = datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    about = (row.verification, row.statement)
    return Happening(row.number, RegistrationEvent(row.event), RegistrationStatus(row.status), at, *about)
