"""Search of registrations, page by page, newest first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from idproof.service.cases.states import RegistrationStatus
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS, REGISTRATIONS


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions of a search; a registration is found if it meets all of them.

    Attributes:
        client: owner, or None for every client's.
        reference: keyed hash of the caller's reference.
        status: present status.
        decision: of the last verdict.
        reason: code of any of its verdicts.
        since, until: bounds of the time at which it was opened, milliseconds since 1970; `until` is not part of it.
    """

    client: str | None = None
    reference: bytes | None = None
    status: RegistrationStatus | None = None
    decision: str | None = None
    reason: str | None = None
    since: int | None = None
    until: int | None = None


def page(connection: Connection, wanted: Wanted, before: str | None, limit: int) -> list[Row[Any]]:
    """Returns rows of registrations, newest first.

    Args:
        connection: to the database.
        wanted: conditions.
        before: only those older than this id (ids grow with time).
        limit: the largest number to return.
    """
    columns = REGISTRATIONS.c
    equal = ("client", "reference", "status", "decision")
    conditions = [columns[name] == value for name in equal if (value := getattr(wanted, name)) is not None]
    if before is not None:
        conditions.append(columns.id < before)
    if wanted.since is not None:
        conditions.append(columns.opened_ms >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.opened_ms < wanted.until)
    if wanted.reason is not None:
        mine = REGISTRATION_ATTEMPTS.c.registration == columns.id
        named = REGISTRATION_ATTEMPTS.c.reasons.contains(f'"{wanted.reason}"', autoescape=True)
        conditions.append(exists().where(mine, named))
    query = select(REGISTRATIONS).where(*conditions).order_by(columns.id.desc()).limit(limit)
    return list(connection.execute(query).all())
