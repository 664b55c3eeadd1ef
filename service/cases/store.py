"""The registrations of a database: opened, moved by verdicts and by people, expired and erased.

Each change is one transition of `states.TRANSITIONS`. The transaction that performs it also stores the numbered event
of the history, its deliveries and its line of the audit log, so that all of them happen or none.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, insert, select, update

from idproof.pipeline.verdict import new_id
from idproof.service.cases import history, search, tickets
from idproof.service.cases.history import Happening
from idproof.service.cases.next_steps import CAPTURES, Instructions, NextStep, instructions
from idproof.service.cases.record_retries import RecordRetries, RecordRetry
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.search import Wanted
from idproof.service.cases.states import UNFINISHED, RegistrationEvent, RegistrationStatus, follows
from idproof.service.cases.tickets import CounterTickets
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox.queue import Destination, Outbox
from idproof.service.storage import registration_rows
from idproof.service.storage.ledger import Ticket
from idproof.service.storage.schema import OPERATIONS, STATE_RUNNING
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS, REGISTRATIONS
from idproof.service.storage.verdicts import VerdictStore

_EVENT_OF: dict[NextStep, RegistrationEvent] = {
    NextStep.NOTHING: RegistrationEvent.VERDICT_ACCEPTED,
    NextStep.RECORDS: RegistrationEvent.VERDICT_TO_RECORDS,
    NextStep.CAPTURE: RegistrationEvent.VERDICT_TO_CAPTURE,
    NextStep.COUNTER: RegistrationEvent.VERDICT_TO_COUNTER,
    NextStep.REFUSE: RegistrationEvent.VERDICT_REFUSED,
}
_UNANSWERED = RegistrationEvent.RECORDS_UNANSWERED
_EXPIRED_AT_ONCE = 100
"""Registrations that one look for expired ones ends, at most. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One verdict of a registration.

    Attributes:
        verification: its id.
        decision: of the verdict.
        reasons: codes.
        step: what came next.
        at: ISO 8601 UTC.
    """

    verification: str
    decision: str
    reasons: tuple[str, ...]
    step: NextStep
    at: str


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration.

    Attributes:
        id: `reg_` and 26 characters.
        client: its owner.
        status: of the table of transitions.
        reference: the caller's own, or None; never shown by `repr`.
        attempts: its verdicts, oldest first.
        attempts_left: verdicts that it may still have.
        history: its transitions, oldest first.
        opened_at, changed_at, expires_at: ISO 8601 UTC.
        verification: id of the last verdict, or None.
    """

    id: str
    client: str
    status: RegistrationStatus
    reference: str | None = field(repr=False)
    attempts: tuple[Attempt, ...]
    attempts_left: int
    history: tuple[Happening, ...]
    opened_at: str
    changed_at: str
    expires_at: str
    verification: str | None

    @property
    def next(self) -> Instructions:
        """Returns the applicant's next step, which follows from the registration's status and last attempt."""
        last = self.attempts[-1] if self.attempts else None
        match self.status:
            case RegistrationStatus.ACCEPTED:
                return Instructions(NextStep.NOTHING)
            case RegistrationStatus.REFUSED:
                return Instructions(NextStep.REFUSE)
            case RegistrationStatus.EXPIRED:
                return Instructions("expired")
            case RegistrationStatus.IN_REVIEW:
                return Instructions("review")
            case RegistrationStatus.AT_COUNTER:
                return instructions(NextStep.COUNTER, () if last is None else last.reasons)
        if last is not None and last.step is NextStep.RECORDS and self.status is RegistrationStatus.OPEN:
            return Instructions(NextStep.RECORDS)
        if last is None:
            return Instructions(NextStep.CAPTURE, CAPTURES, first=True)
        return instructions(NextStep.CAPTURE, last.reasons)


class Registrations:
    """Registrations; every method may raise `StoreUnavailable`, and `AuditBroken` where something changes.

    Args:
        verdicts: the database, and its seal.
        outbox: delivers the events.
        audit: gets a line for each transition.
        rules: limits.
        destinations: returns where events are delivered.
    """

    def __init__(
        self,
        verdicts: VerdictStore,
        outbox: Outbox,
        audit: AuditLog,
        rules: RegistrationRules | None = None,
        destinations: Callable[[], Iterable[Destination]] = tuple,
    ) -> None:
        self.rules = rules or RegistrationRules()
        self.database = verdicts.database
        self._seal = verdicts.seal
        self._outbox = outbox
        self._audit = audit
        self._destinations = destinations
        self.retries = RecordRetries(verdicts.database, verdicts.seal, self.rules.records_retry_s)
        self.tickets = CounterTickets(verdicts.database, verdicts.seal)
        self._reference_key = verdicts.seal.subkey("registration reference")

    def open(self, client: str, reference: str | None = None) -> Registration:
        """Opens a registration.

        Args:
            client: its owner.
            reference: the caller's own; sealed, and found by a keyed hash.
        """
        now = _now_ms()
        new = "reg_" + new_id().removeprefix("ver_")
        row: dict[str, Any] = {"id": new, "client": client, "status": RegistrationStatus.OPEN, "attempts": 0}
        row |= {"reference": self.reference_hash(reference), "most_attempts": self.rules.attempts, "number": 1}
        row |= {"sealed": None if reference is None else self._seal.close(new, {"reference": reference})}
        row |= {"opened_ms": now, "changed_ms": now, "expires_ms": now + int(self.rules.lifetime_s * 1000)}
        with self.database.write() as connection:
            connection.execute(insert(REGISTRATIONS).values(row))
            self._tell(connection, new, Happening(1, RegistrationEvent.OPENED, RegistrationStatus.OPEN, ""), now)
            self._audit.append("registration_opened", registration=new, by=client)
            return self._of(connection, registration_rows.find(connection, new, client))

    def find(self, registration: str, client: str | None) -> Registration | None:
        """Returns a registration, or None; with a client, only its own."""
        wanted = select(REGISTRATIONS).where(REGISTRATIONS.c.id == registration)
        if client is not None:
            wanted = wanted.where(REGISTRATIONS.c.client == client)
        with self.database.read() as connection:
            row = connection.execute(wanted).first()
            return None if row is None else self._of(connection, row)

    def page(self, wanted: Wanted, before: str | None, limit: int) -> list[Registration]:
        """Returns registrations that meet conditions, newest first; see `search.page`."""
        with self.database.read() as connection:
            return [self._of(connection, row) for row in search.page(connection, wanted, before, limit)]

    def conclude(
        self,
        connection: Connection,
        ticket: Ticket,
        response: dict[str, Any],
        step: NextStep,
        number: str | None,
        kept: Mapping[str, Any] | None = None,
        after: str | None = None,
        adult: bool | None = None,
    ) -> RegistrationStatus:
        """Moves a registration by the verdict of its attempt, in the transaction that stores the verdict.

        Args:
            connection: of that transaction.
            ticket: of the verification.
            response: with `decision` and `reasons`.
            step: that the reasons lead to.
            number: of the card, if it was read with certainty.
            kept: with which the records can be asked again; None if they cannot.
            after: the verdict that must be the last one by now, or None.
            adult: whether the card's holder is one; None if that was not read with certainty.

        Raises:
            ServiceProblem: `registration_closed`: it was erased, expired or moved meanwhile; nothing may be stored.
        """
        assert ticket.registration is not None  # noqa: S101 - asked by the caller
        row = registration_rows.find(connection, ticket.registration, ticket.client, lock=True)
        if row.operation != ticket.id or after not in (None, row.verification):
            raise _closed()
        person = self._seal.person(number)
        attempt = row.attempts + 1
        another_card = None not in (person, row.person) and person != row.person
        step = _bounded(step, another_card=another_card)
        if step is NextStep.RECORDS and (kept is None or not self.rules.records_retry_s):
            step = NextStep.CAPTURE
        if step is NextStep.CAPTURE and attempt >= row.most_attempts:
            step = NextStep.COUNTER
        event = _EVENT_OF[step]
        if row.status == RegistrationStatus.AT_COUNTER:
            # The officer decides, and an officer may not be told that a verdict decided.
            event, step = RegistrationEvent.COUNTER_CAPTURED, NextStep.COUNTER
            tickets.captured(connection, row.id, ticket.id)
        elif step is NextStep.COUNTER and self.rules.reviewed and response["decision"] == "refer" and not another_card:
            event = RegistrationEvent.VERDICT_TO_REVIEW
        entry = {"verification": ticket.id, "registration": row.id, "attempt": attempt, "step": step}
        entry |= {"decision": response["decision"], "reasons": json.dumps(response["reasons"]), "at_ms": _now_ms()}
        connection.execute(insert(REGISTRATION_ATTEMPTS).values(entry))
        self.retries.drop(connection, row.id)
        if event is RegistrationEvent.VERDICT_TO_RECORDS:
            self.retries.hold(connection, ticket, kept or {})
        # The applicant has nothing to do with records that do not answer.
        counted = row.attempts if step is NextStep.RECORDS else attempt
        values = {"attempts": counted, "decision": response["decision"], "person": row.person or person}
        values |= {"adult": None if adult is None else int(adult)}
        return self._move(connection, row, event, by="verdict", verification=ticket.id, **values)

    def move(
        self,
        connection: Connection,
        registration: str,
        event: RegistrationEvent,
        *,
        by: str,
        statement: str | None = None,
    ) -> RegistrationStatus:
        """Performs a transition that a person caused; returns the status that follows.

        Args:
            connection: of the transaction that stores what it follows from.
            registration: its id.
            event: the cause.
            by: client or officer, for the audit log.
            statement: SHA-256 of the person's signed statement, in hexadecimal; the core gets it with the event.

        Raises:
            ServiceProblem: `registration_unknown`, or `registration_closed`: its status does not take the event, or
                its time is over.
        """
        wanted = select(REGISTRATIONS).where(REGISTRATIONS.c.id == registration).with_for_update()
        row = connection.execute(wanted).first()
        if row is None:
            raise ServiceProblem("registration_unknown", "There is no registration of this id.")
        if row.expires_ms <= _now_ms():
            raise _closed()
        about = {"statement": statement, "verification": row.verification}
        # A verification that is running began for what was before, and stores no verdict any more.
        return self._move(connection, row, event, by=by, operation=None, **about)

    def end_retry(self, retry: RecordRetry) -> bool:
        """Ends a wait for the records that did not answer in time; returns False if it had ended before."""
        with self.database.write() as connection:
            wanted = select(REGISTRATIONS).where(REGISTRATIONS.c.id == retry.registration).with_for_update()
            row = connection.execute(wanted).first()
            if row is None or not self.retries.drop(connection, retry.registration, retry.id):
                return False
            if row.verification != retry.id or follows(RegistrationStatus(row.status), _UNANSWERED) is None:
                return False
            self._move(connection, row, _UNANSWERED, by="time", verification=retry.id)
            return True

    def expire(self) -> int:
        """Ends registrations whose time is over, unless a verification of theirs is running; returns their number."""
        now, mine = _now_ms(), OPERATIONS.c.id == REGISTRATIONS.c.operation
        running = exists().where(and_(mine, OPERATIONS.c.state == STATE_RUNNING, OPERATIONS.c.lease_ms > now))
        due = (REGISTRATIONS.c.status.in_(UNFINISHED), REGISTRATIONS.c.expires_ms <= now)
        with self.database.read() as connection:
            wanted = select(REGISTRATIONS.c.id).where(*due, ~running).limit(_EXPIRED_AT_ONCE)
            found = connection.execute(wanted).scalars().all()
        return sum(self._expire(registration) for registration in found)

    def _expire(self, registration: str) -> bool:
        with self.database.write() as connection:
            wanted = select(REGISTRATIONS).where(REGISTRATIONS.c.id == registration).with_for_update()
            row = connection.execute(wanted).first()
            if row is None or follows(RegistrationStatus(row.status), RegistrationEvent.EXPIRED) is None:
                return False
            self._move(connection, row, RegistrationEvent.EXPIRED, by="time", verification=row.verification)
            return True

    def reference_hash(self, reference: str | None) -> bytes | None:
        """Returns the keyed hash by which registrations of a reference are found; None without one."""
        return None if reference is None else hmac.digest(self._reference_key, reference.encode(), "sha256")

    def _move(
        self,
        connection: Connection,
        row: Row[Any],
        event: RegistrationEvent,
        *,
        by: str,
        verification: str | None,
        statement: str | None = None,
        **values: Any,
    ) -> RegistrationStatus:
        """Performs a transition of a locked row."""
        status = follows(RegistrationStatus(row.status), event)
        if status is None:
            raise _closed()
        now = _now_ms()
        values |= {"status": status, "number": row.number + 1, "verification": verification, "changed_ms": now}
        connection.execute(update(REGISTRATIONS).where(REGISTRATIONS.c.id == row.id).values(values))
        self._tell(connection, row.id, Happening(row.number + 1, event, status, "", verification, statement), now)
        # Last, so that the transaction cannot end without the audit line.
        self._audit.append("registration_moved", registration=row.id, cause=event, status=status, by=by)
        return status

    def _tell(self, connection: Connection, registration: str, happening: Happening, at_ms: int) -> None:
        history.record(connection, registration, happening, at_ms)
        for destination in self._destinations():
            self._outbox.add_status(connection, destination, registration, happening.number)

    def _of(self, connection: Connection, row: Row[Any]) -> Registration:
        attempts = tuple(_attempt(entry) for entry in _attempts(connection, row.id))
        sealed = {} if row.sealed is None else self._seal.open(row.id, row.sealed)
        times = (_iso(row.opened_ms), _iso(row.changed_ms), _iso(row.expires_ms))
        left = max(0, row.most_attempts - row.attempts) if RegistrationStatus(row.status) in UNFINISHED else 0
        happened = tuple(history.of(connection, row.id))
        about = (RegistrationStatus(row.status), sealed.get("reference"), attempts, left, happened)
        return Registration(row.id, row.client, *about, *times, row.verification)


def _attempts(connection: Connection, registration: str) -> list[Row[Any]]:
    columns = REGISTRATION_ATTEMPTS.c
    wanted = select(REGISTRATION_ATTEMPTS).where(columns.registration == registration)
    return list(connection.execute(wanted.order_by(columns.at_ms, columns.verification)).all())


def _attempt(row: Row[Any]) -> Attempt:
    reasons = tuple(json.loads(row.reasons))
    return Attempt(row.verification, row.decision, reasons, NextStep(row.step), _iso(row.at_ms))


def _bounded(step: NextStep, *, another_card: bool) -> NextStep:
    """Returns the step, or the counter where an attempt shows another card than the one before."""
    return NextStep.COUNTER if another_card and step is not NextStep.REFUSE else step


def _closed() -> ServiceProblem:
    return ServiceProblem("registration_closed", "The registration's present status does not allow this.")


def _now_ms() -> int:
    return int(time.time() * 1000)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
