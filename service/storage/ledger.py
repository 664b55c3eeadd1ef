"""Running verifications and idempotency keys: one session, and one key, lead to one verdict.

A verification is *begun* in one transaction and *finished* in another, which stores the verdict and everything that
follows from it. The server that runs it renews a lease. When the lease lapses (the server was killed), a retry may
begin anew, and the earlier verification can no longer finish.

Stored of a request with an idempotency key: HMAC-SHA-256 of the key and of the body, under keys derived from the
sealing key **and from the client's idempotency key, which is not stored**. Testing a picture against it needs both.
It is deleted with the verdict, or after `IDPROOF_IDEMPOTENCY_HOURS`.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, insert, select, update

from idproof.pipeline.liveness.challenge import Challenge, Options
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.storage import leases, registration_rows
from idproof.service.storage.engine import Conflict
from idproof.service.storage.leases import DONE, RUNNING
from idproof.service.storage.permits import Permits, PermitUse
from idproof.service.storage.schema import IDEMPOTENCY, OPERATIONS, OUTBOX, SESSIONS
from idproof.service.storage.sessions import CaptureSession, SessionRules, Sessions
from idproof.service.storage.used_captures import REMEMBERED_H, UsedCaptures
from idproof.service.storage.verdicts import VerdictStore

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to finish one verification.

    Attributes:
        id: of the future verdict.
        client: its owner.
        session: the capture session, or None.
        mac: of the idempotency key, or None.
        registration: of which it is an attempt, or None.
    """

    id: str
    client: str
    session: CaptureSession | None = None
    mac: bytes | None = None
    registration: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """An earlier verdict of the same idempotency key.

    Attributes:
        id: of the verdict.
        fingerprint: of the body that the key arrived with.
    """

    id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a verification without a verdict.

    Attributes:
        state: `running`, `lost` (its server ended) or `failed`.
        code: of the problem it failed with, like the following ones.
        status: of HTTP.
        sentence: in English.
        capture: the capture at fault, or None.
        reference: the caller's, or None.
    """

    state: str
    code: str = ""
    status: int = 0
    sentence: str = ""
    capture: str | None = None
    reference: str | None = None


class Ledger:
    """Begins and finishes verifications; one instance per server process.

    Args:
        verdicts: stores the verdicts.
        rules: of capture sessions.
        captures_remembered_h: hours for which captures count as used; 0 keeps no account of them.
        registration_required: whether a verification must be an attempt of a registration.
    """

    def __init__(
        self,
        verdicts: VerdictStore,
        rules: SessionRules | None = None,
        captures_remembered_h: float = REMEMBERED_H,
        *,
        registration_required: bool = False,
    ) -> None:
        self._registration_required = registration_required
        self.used_captures = UsedCaptures(verdicts.seal, captures_remembered_h)
        self.sessions = Sessions(verdicts.database, verdicts.seal, rules)
        self._verdicts = verdicts
        self._database = verdicts.database
        self._seal = verdicts.seal
        self._owner = uuid4().hex
        self._key_mac = verdicts.seal.subkey("idempotency key")
        self._body_mac = verdicts.seal.subkey("request fingerprint")

    def ask_again(self, client: str, session_id: str, options: Options | None = None) -> Challenge:
        """Issues another challenge of a capture session; it replaces the previous one.

        Args:
            client: the owner of the session.
            session_id: of the session.
            options: the applicant's, if they replace those given when the session was opened.

        Raises:
            ServiceProblem: the session cannot be used, or has no challenges left.
            StoreUnavailable: no challenge was issued.
        """
        with self._database.write() as connection:
            return self.sessions.ask(connection, self._usable(connection, session_id, client), options)

    @property
    def permits(self) -> Permits:
        """Permits of staff for reduced challenges."""
        return self.sessions.permits

    def use_permit(self, client: str, session_id: str, permit: PermitUse, options: Options) -> None:
        """Uses up a permit for a capture session that is open.

        Args:
            client: the owner of the session.
            session_id: of the session.
            permit: of staff.
            options: the applicant's, which the permit must grant as far as they reduce the challenge.

        Raises:
            ServiceProblem: the session or the permit cannot be used.
            StoreUnavailable: nothing was used up.
        """
        with self._database.write() as connection:
            self.sessions.permit(connection, self._usable(connection, session_id, client), permit, options)

    def join_guardian(
        self, client: str, session_id: str, find: Callable[[Connection], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Lets a guardian join an open capture session; returns what the verdict will say of the guardian.

        Args:
            client: the owner of the session.
            session_id: of the session.
            find: finds the guardian in the same transaction, and raises if there is no suitable one.

        Raises:
            ServiceProblem: the session or the guardian cannot be used.
            StoreUnavailable: nobody joined.
        """
        with self._database.write() as connection:
            row = self._usable(connection, session_id, client)
            guardian = find(connection)
            self.sessions.join(connection, row, guardian)
            return guardian

    def begin(
        self, client: str, session_id: str | None, key: str | None, registration: str | None = None
    ) -> Ticket | Replay:
        """Begins a verification, or returns the earlier one of the same idempotency key.

        Args:
            client: the owner of everything that it names.
            session_id: of the capture session, or None.
            key: the client's idempotency key, or None.
            registration: of which it is an attempt; by default the session's, if that has one.

        Raises:
            ServiceProblem: the session or the registration cannot be used, or the same registration is being verified.
            StoreUnavailable: nothing was begun.
        """
        mac = None if key is None else hmac.digest(self._key_mac, _scoped(client, key), "sha256")
        try:
            with self._database.write() as connection:
                earlier = None if mac is None else self._earlier(connection, mac)
                if isinstance(earlier, Replay):
                    return earlier
                row = None if session_id is None else self._usable(connection, session_id, client)
                session = None if row is None else self.sessions.of(row)
                ticket = Ticket(new_id(), client, session, mac, _one_registration(registration, session))
                lost = self._hold_registration(connection, ticket)
                for attempt in filter(None, (earlier, row and row.operation, lost)):
                    self.used_captures.hand_over(connection, attempt, ticket.id)
                self._insert(connection, ticket, session_id)
                return ticket
        except Conflict:  # the same key arrived twice at once, and the other request was first
            raise leases.in_progress() from None

    def fingerprint_key(self, client: str, key: str) -> bytes:
        """Derives the key of a body's fingerprint from the sealing key and the client's idempotency key."""
        return hmac.digest(self._body_mac, _scoped(client, key), "sha256")

    def use_captures(self, ticket: Ticket, contents: Sequence[bytes]) -> int:
        """Records captures as used by a verification; returns the number of those that another one used before.

        Args:
            ticket: of the verification.
            contents: see `UsedCaptures.take`.

        Raises:
            ServiceProblem: the lease lapsed, and the verification was begun anew elsewhere.
            StoreUnavailable: nothing was recorded.
        """
        mine = (OPERATIONS.c.id == ticket.id, OPERATIONS.c.owner == self._owner, OPERATIONS.c.state == RUNNING)
        with self._database.write() as connection:
            if connection.execute(select(OPERATIONS.c.id).where(*mine).with_for_update()).first() is None:
                raise leases.in_progress()
            return self.used_captures.take(connection, ticket.id, contents)

    def finish(
        self,
        ticket: Ticket,
        document: dict[str, Any],
        fingerprint: bytes | None,
        store_more: Callable[[Connection], None] = lambda _: None,
        number: str | None = None,
    ) -> None:
        """Stores the verdict and everything that follows from it, in one transaction.

        Args:
            ticket: the right to finish.
            document: the response body with the verdict.
            fingerprint: of the request body, if there is an idempotency key.
            store_more: stores what follows from the verdict; if it raises, nothing is stored.
            number: of the card, for finding and erasing the verdict.

        Raises:
            ServiceProblem: the lease lapsed, and the verification was begun anew elsewhere.
            StoreUnavailable: nothing is stored.
        """
        with self._database.write("The verdict cannot be stored.") as connection:
            mine = (OPERATIONS.c.id == ticket.id, OPERATIONS.c.owner == self._owner, OPERATIONS.c.state == RUNNING)
            if connection.execute(update(OPERATIONS).where(*mine).values(state=DONE)).rowcount != 1:
                raise leases.in_progress()
            # Not the ticket's: the client may have been merged into another one meanwhile.
            owner = connection.execute(select(OPERATIONS.c.client).where(OPERATIONS.c.id == ticket.id)).scalar_one()
            self._verdicts.insert(connection, ticket.id, document, owner, number)
            if ticket.mac is not None:
                known = IDEMPOTENCY.c.mac == ticket.mac
                connection.execute(update(IDEMPOTENCY).where(known).values(fingerprint=fingerprint))
            store_more(connection)

    def fail(
        self,
        ticket: Ticket,
        progress: Progress,
        store_more: Callable[[Connection], None] = lambda _: None,
        *,
        return_attempt: bool = False,
    ) -> None:
        """Ends a verification without a verdict; its session and key may be used again. Raises `StoreUnavailable`.

        Args:
            ticket: the right to finish.
            progress: the failure.
            store_more: stores what follows from the failure.
            return_attempt: whether this attempt does not count among those of its session.
        """
        values: dict[str, Any] = {"state": FAILED, "code": progress.code, "status": progress.status}
        values |= {"sentence": progress.sentence, "capture": progress.capture}
        if progress.reference is not None:  # may name a person: sealed, like the reference of a verdict
            values["sealed"] = self._seal.close(sealed_name(ticket.id), {"reference": progress.reference})
        with self._database.write() as connection:
            mine = (OPERATIONS.c.id == ticket.id, OPERATIONS.c.owner == self._owner, OPERATIONS.c.state == RUNNING)
            if not connection.execute(update(OPERATIONS).where(*mine).values(values)).rowcount:
                return
            self.used_captures.release(connection, ticket.id)
            if return_attempt and ticket.session is not None:
                held = (SESSIONS.c.id == ticket.session.id, SESSIONS.c.operation == ticket.id)
                returned = {"attempts": SESSIONS.c.attempts - 1, "operation": None}
                connection.execute(update(SESSIONS).where(*held).values(returned))
            store_more(connection)

    def abandon(self, ticket: Ticket) -> None:
        """Forgets a verification that did not end and whose id no client was given. Raises `StoreUnavailable`."""
        mine = (OPERATIONS.c.id == ticket.id, OPERATIONS.c.owner == self._owner, OPERATIONS.c.state == RUNNING)
        with self._database.write() as connection:
            connection.execute(delete(OPERATIONS).where(*mine))

    def renew(self) -> None:
        """Renews the leases of every verification of this process; raises `StoreUnavailable`."""
        with self._database.write() as connection:
            mine = (OPERATIONS.c.owner == self._owner, OPERATIONS.c.state == RUNNING)
            connection.execute(update(OPERATIONS).where(*mine).values(lease_ms=leases.new_end_ms()))

    def progress(self, verdict_id: str, client: str | None) -> Progress | None:
        """Returns the state of a verification without a verdict, or None if no such verification has this id."""
        wanted = select(OPERATIONS).where(OPERATIONS.c.id == verdict_id, OPERATIONS.c.state != DONE)
        if client is not None:
            wanted = wanted.where(OPERATIONS.c.client == client)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return None
        if row.state == FAILED:
            kept = {} if row.sealed is None else self._seal.open(sealed_name(row.id), row.sealed)
            return Progress(FAILED, row.code, row.status, row.sentence, row.capture, kept.get("reference"))
        return Progress(RUNNING if leases.is_alive(row) else "lost")

    def clean(self, days: float, idempotency_hours: float) -> None:
        """Deletes expired keys, verifications, deliveries and sessions; raises `StoreUnavailable`."""
        now = datetime.now(UTC)
        oldest = (now - timedelta(days=days)).isoformat(timespec="seconds")
        keys = (now - min(timedelta(days=days), timedelta(hours=idempotency_hours))).isoformat(timespec="seconds")
        with self._database.write() as connection:
            connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at < keys))
            connection.execute(delete(OPERATIONS).where(OPERATIONS.c.created_at < oldest))
            connection.execute(delete(OUTBOX).where(OUTBOX.c.created_at < oldest))
            self.permits.clean(connection)
            self.used_captures.clean(connection)
            self.sessions.clean(connection, now - timedelta(days=days))

    def _earlier(self, connection: Connection, mac: bytes) -> Replay | str | None:
        """Returns the verdict of an idempotency key, or the verification that ended without one."""
        known = connection.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.mac == mac).with_for_update()).first()
        if known is None:
            return None
        if known.fingerprint is not None:
            return Replay(known.operation, known.fingerprint)
        leases.retire(connection, known.operation)
        connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.mac == mac))
        return str(known.operation)

    def _usable(self, connection: Connection, session_id: str, client: str) -> Row[Any]:
        """Returns a session that may still lead to a verdict; raises `ServiceProblem` for any other."""
        row = self.sessions.row(connection, session_id, client)
        if row.operation is not None:
            leases.retire(connection, row.operation)
        if row.attempts >= self.sessions.rules.attempts:
            raise ServiceProblem("session_used", "The capture session has no attempts left; open another one.")
        self.sessions.ensure_unlocked(connection, row.device)
        return row

    def _hold_registration(self, connection: Connection, ticket: Ticket) -> str | None:
        """Locks the registration of a verification that begins; returns the attempt that was lost, or None.

        The earlier verification is locked before the registration, in the order in which `finish` locks the two.
        """
        if ticket.registration is None:
            if self._registration_required:
                raise ServiceProblem("registration_missing", "Open a registration, and name it with the captures.")
            return None
        earlier = registration_rows.find(connection, ticket.registration, ticket.client).operation
        state = None if earlier is None else leases.end_lost(connection, earlier)
        registration_rows.hold(connection, ticket.registration, ticket.client, earlier, ticket.id)
        return str(earlier) if state == RUNNING else None

    def _insert(self, connection: Connection, ticket: Ticket, session_id: str | None) -> None:
        operation: dict[str, Any] = {"id": ticket.id, "client": ticket.client, "state": RUNNING, "owner": self._owner}
        operation |= {"lease_ms": leases.new_end_ms(), "created_at": _now()}
        connection.execute(insert(OPERATIONS).values(operation))
        if ticket.mac is not None:
            row = {"mac": ticket.mac, "operation": ticket.id, "created_at": _now()}
            connection.execute(insert(IDEMPOTENCY).values(row))
        if session_id is not None:
            held = {"operation": ticket.id, "attempts": SESSIONS.c.attempts + 1}
            connection.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(held))


def sealed_name(operation: str) -> str:
    """Returns the name under which the row of a failed verification is sealed."""
    return f"{operation} failed"


def _one_registration(named: str | None, session: CaptureSession | None) -> str | None:
    """Returns the registration that a request and its session name; raises `ServiceProblem` if they name two."""
    of_session = None if session is None else session.registration
    if None not in (named, of_session) and named != of_session:
        raise ServiceProblem("registration_closed", "The capture session was opened for another registration.")
    return named or of_session


def _scoped(client: str, key: str) -> bytes:
    return f"{client}\0{key}".encode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
