"""Reviewers: the officer of each client, and the key with which the officer's browser decrypts pictures.

An enrolment is bound to one client, so all API keys of that client are one officer. It is made by the officer and
confirmed by another client, which sees the fingerprint of the browser's key on the officer's screen and repeats it. The
key is in the sealed part of the row, so that whoever can only write the database cannot put another in its place.
"""

import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update

from idproof.pipeline.vault.sealed_copies import Recipient
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.states import REVIEWER_TRANSITIONS, ReviewerEvent, ReviewerState
from idproof.service.storage.engine import Database
from idproof.service.storage.schema_registrations import REVIEWERS
from idproof.service.storage.seal import Seal

OFFICER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Form of an officer's number or name, as the operator gives them."""
MOST_ACTIVE = 64
"""Reviewers in force at once, so that copies of pictures are sealed to a bounded number of keys. Chosen by hand."""
_MOST_PENDING = 3
"""Enrolments of one client that wait at once. Chosen by hand."""
_IN_FORCE = (ReviewerState.PENDING, ReviewerState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One enrolment.

    Attributes:
        id: `rvw_` and 26 characters.
        client: whose API keys act as this officer.
        officer: number or name within the operator's staff.
        state: of the table of transitions.
        created_at: ISO 8601 UTC.
        confirmed_by: client that confirmed it, or None.
        recipient: of sealed pictures; None without a key.
    """

    id: str
    client: str
    officer: str
    state: ReviewerState
    created_at: str
    confirmed_by: str | None
    recipient: Recipient | None = field(repr=False)

    @property
    def fingerprint(self) -> str | None:
        """Of the browser's key, as the page shows it; None without one."""
        return None if self.recipient is None else self.recipient.fingerprint


class Reviewers:
    """The reviewers of a database; every method may raise `StoreUnavailable`, and `AuditBroken` where it changes.

    Args:
        database: that holds them.
        seal: of the database.
        audit: gets a line for each transition.
        rules: whether enrolments must be confirmed.
    """

    def __init__(self, database: Database, seal: Seal, audit: AuditLog, rules: ReviewRules | None = None) -> None:
        self._database = database
        self._seal = seal
        self._audit = audit
        self._rules = rules or ReviewRules()

    def enrol(self, client: str, officer: str, public_key: bytes | None) -> Reviewer:
        """Enrols an officer, or a new key of an officer who is enrolled.

        Args:
            client: that acts as this officer.
            officer: of `OFFICER_PATTERN`.
            public_key: of the officer's browser, an uncompressed point of P-256; None without one.

        Raises:
            ServiceProblem: `reviewer_taken`: the client is another officer, or the officer another client, or too many
                enrolments wait; `public_key_invalid`.
        """
        new = "rvw_" + new_id().removeprefix("ver_")
        recipient = None if public_key is None else _recipient(new, public_key)
        content = {"client": client, "officer": officer, "confirmed_by": None}
        content |= {"public_key": None if public_key is None else b64encode(public_key).decode()}
        row: dict[str, Any] = {"id": new, "client": client, "officer": officer.casefold()}
        row |= {"state": ReviewerState.PENDING, "created_ms": int(time.time() * 1000)}
        row |= {"sealed": self._seal.close(new, content)}
        with self._database.write() as connection:
            self._lock(connection)
            self._require_free(connection, client, officer.casefold())
            connection.execute(insert(REVIEWERS).values(row))
            about = {"reviewer": new, "officer": officer, "fingerprint": recipient and recipient.fingerprint}
            self._audit.append("reviewer_enrolled", **about, by=client)
            if not self._rules.confirmed:
                self._activate(connection, self._row(connection, new), client)
            return self._reviewer(self._row(connection, new))

    def confirm(self, reviewer: str, fingerprint: str | None, by: str) -> Reviewer:
        """Confirms an enrolment, which ends an earlier one of the same officer.

        Args:
            reviewer: id of the enrolment.
            fingerprint: as the officer's own screen shows it; None for an enrolment without a key.
            by: client that confirms; not the officer's own.

        Raises:
            ServiceProblem: `not_found`, `reviewer_taken` or `fingerprint_differs`.
        """
        with self._database.write() as connection:
            self._lock(connection)
            row = self._row(connection, reviewer)
            if row.state != ReviewerState.PENDING:
                raise ServiceProblem("reviewer_taken", "This enrolment does not wait for a confirmation.")
            if row.client == by:
                raise ServiceProblem("reviewer_taken", "Another client than the officer's own confirms an enrolment.")
            found = self._reviewer(row)
            if not compare_digest(found.fingerprint or "", _plain(fingerprint)):
                raise ServiceProblem("fingerprint_differs", "The fingerprint is not that of the enrolled key.")
            self._activate(connection, row, by)
            return self._reviewer(self._row(connection, reviewer))

    def revoke(self, reviewer: str, by: str) -> bool:
        """Revokes an enrolment at once; returns False if none of this id is in force."""
        with self._database.write() as connection:
            row = connection.execute(select(REVIEWERS).where(REVIEWERS.c.id == reviewer).with_for_update()).first()
            if row is None or row.state not in _IN_FORCE:
                return False
            self._revoke(connection, row.id, by)
            return True

    def of_client(self, client: str) -> Reviewer | None:
        """Returns the newest enrolment of a client that is in force, an active one first; None if there is none."""
        wanted = select(REVIEWERS).where(REVIEWERS.c.client == client, REVIEWERS.c.state.in_(_IN_FORCE))
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(REVIEWERS.c.state, REVIEWERS.c.id.desc())).all()
        return self._reviewer(rows[0]) if rows else None  # `active` sorts before `pending`

    def client_of(self, reviewer: str) -> str | None:
        """Returns the client of an enrolment, whatever its state; None if there is none of this id."""
        with self._database.read() as connection:
            return connection.scalar(select(REVIEWERS.c.client).where(REVIEWERS.c.id == reviewer))

    def require_active(self, client: str) -> Reviewer:
        """Returns the officer that a client acts as; raises `ServiceProblem` `reviewer_unconfirmed`."""
        found = self.of_client(client)
        if found is None or found.state is not ReviewerState.ACTIVE:
            raise ServiceProblem("reviewer_unconfirmed", "This key belongs to no reviewer whose enrolment is in force.")
        return found

    @staticmethod
    def lock_active(connection: Connection, reviewer: str) -> None:
        """Locks an enrolment in force until the transaction ends; raises `ServiceProblem` `reviewer_unconfirmed`."""
        mine = (REVIEWERS.c.id == reviewer, REVIEWERS.c.state == ReviewerState.ACTIVE)
        if connection.execute(select(REVIEWERS.c.id).where(*mine).with_for_update()).first() is None:
            raise ServiceProblem("reviewer_unconfirmed", "This key belongs to no reviewer whose enrolment is in force.")

    def recipients(self) -> list[Recipient]:
        """Returns the keys of all active reviewers that have one, at most `MOST_ACTIVE`."""
        wanted = select(REVIEWERS).where(REVIEWERS.c.state == ReviewerState.ACTIVE).order_by(REVIEWERS.c.id)
        with self._database.read() as connection:
            rows = connection.execute(wanted.limit(MOST_ACTIVE)).all()
        found = [self._reviewer(row) for row in rows]
        return [each.recipient for each in found if each.state is ReviewerState.ACTIVE and each.recipient is not None]

    def entries(self, limit: int = 1000) -> list[Reviewer]:
        """Returns enrolments, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(REVIEWERS).order_by(REVIEWERS.c.id.desc()).limit(limit)).all()
        return [self._reviewer(row) for row in rows]

    def _activate(self, connection: Connection, row: Row[Any], by: str) -> None:
        """Makes a pending row the only active one of its officer."""
        active = (REVIEWERS.c.officer == row.officer, REVIEWERS.c.state == ReviewerState.ACTIVE)
        for earlier in connection.execute(select(REVIEWERS.c.id).where(*active)).scalars().all():
            self._revoke(connection, earlier, by)
        wanted = select(func.count()).select_from(REVIEWERS).where(REVIEWERS.c.state == ReviewerState.ACTIVE)
        if (connection.scalar(wanted) or 0) >= MOST_ACTIVE:
            raise ServiceProblem("reviewer_taken", "There are too many reviewers; revoke one first.")
        state = REVIEWER_TRANSITIONS[ReviewerState(row.state)][ReviewerEvent.CONFIRMED]
        sealed = self._seal.close(row.id, self._seal.open(row.id, row.sealed) | {"confirmed_by": by})
        values = {"state": state, "sealed": sealed}
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == row.id).values(values))
        self._audit.append("reviewer_confirmed", reviewer=row.id, by=by)

    def _revoke(self, connection: Connection, reviewer: str, by: str) -> None:
        revoked = REVIEWER_TRANSITIONS[ReviewerState.ACTIVE][ReviewerEvent.REVOKED]
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == reviewer).values(state=revoked))
        self._audit.append("reviewer_revoked", reviewer=reviewer, by=by)

    def _require_free(self, connection: Connection, client: str, officer: str) -> None:
        """Raises `ServiceProblem` if the client has another officer or the officer another client."""
        either = (REVIEWERS.c.client == client) | (REVIEWERS.c.officer == officer)
        rows = connection.execute(select(REVIEWERS).where(either, REVIEWERS.c.state.in_(_IN_FORCE))).all()
        if any((row.client, row.officer) != (client, officer) for row in rows):
            raise ServiceProblem("reviewer_taken", "This client is another officer, or this officer another client.")
        if sum(row.state == ReviewerState.PENDING for row in rows) >= _MOST_PENDING:
            raise ServiceProblem("reviewer_taken", "Too many enrolments wait for a confirmation.")

    def _row(self, connection: Connection, reviewer: str) -> Row[Any]:
        row = connection.execute(select(REVIEWERS).where(REVIEWERS.c.id == reviewer)).first()
        if row is None:
            raise ServiceProblem("not_found", "There is no enrolment of this id.")
        return row

    def _lock(self, connection: Connection) -> None:
        """Keeps two transactions from enrolling the same officer; SQLite has one writer anyway."""
        if not self._database.is_sqlite:
            connection.execute(text("LOCK TABLE reviewers IN SHARE ROW EXCLUSIVE MODE"))

    def _reviewer(self, row: Row[Any]) -> Reviewer:
        content = self._seal.open(row.id, row.sealed)
        key = content["public_key"]
        recipient = None if key is None else Recipient(row.id, b64decode(key))
        at = datetime.fromtimestamp(row.created_ms / 1000, UTC).isoformat(timespec="seconds")
        state = ReviewerState(row.state)
        if state is ReviewerState.ACTIVE and (content["confirmed_by"] is None or content["client"] != row.client):
            state = ReviewerState.REVOKED  # a column was changed without the sealed part
        return Reviewer(row.id, row.client, content["officer"], state, at, content["confirmed_by"], recipient)


def _recipient(reviewer: str, public_key: bytes) -> Recipient:
    try:
        return Recipient(reviewer, public_key)
    except ValueError:
        raise ServiceProblem("public_key_invalid", "The key is no uncompressed point of P-256.") from None


def _plain(fingerprint: str | None) -> str:
    """Returns a fingerprint in groups of four, however it was typed."""
    letters = "".join((fingerprint or "").split()).lower()
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))
