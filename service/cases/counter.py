"""The counter: tickets for applicants, registrations that are open there, and an officer's signed decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update

from idproof.pipeline import Decision, Outcome
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.verdict import new_id
from idproof.service.cases.guardians import lacks_guardian
from idproof.service.cases.states import CAPTURING, TRANSITIONS, RegistrationEvent, RegistrationStatus
from idproof.service.cases.store import Registration, Registrations
from idproof.service.cases.tickets import IssuedTicket, Visit
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.signing.jws import payload_hash, sign_claims
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import registration_rows
from idproof.service.storage.schema import VERIFICATIONS
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS, REGISTRATIONS
from idproof.service.storage.verdicts import VerdictStore

STATEMENT = "counter-statement+jwt"


class CounterChoice(StrEnum):
    """Decision of an officer."""

    ACCEPT = "accept"
    REFUSE = "refuse"


_EVENT_OF = {
    CounterChoice.ACCEPT: RegistrationEvent.COUNTER_ACCEPTED,
    CounterChoice.REFUSE: RegistrationEvent.COUNTER_REFUSED,
}
_OF_DEVICES = frozenset({CaptureLevel.DEVICE, CaptureLevel.ATTESTED})
"""Levels of captures that an officer may accept: a client that uploads files may have computed them."""
_STATUS_OF = {choice: TRANSITIONS[RegistrationStatus.AT_COUNTER][event] for choice, event in _EVENT_OF.items()}


@dataclass(frozen=True, slots=True)
class Decided:
    """An officer's decision.

    Attributes:
        registration: its id.
        status: that followed.
        statement: compact JWS.
    """

    registration: str
    status: RegistrationStatus
    statement: str


_WORST_FIRST: Mapping[str | None, int] = {Outcome.FAIL: 0, Outcome.DOUBT: 1, None: 2, Outcome.PASS: 3}


@dataclass(frozen=True, slots=True)
class CounterCheck:
    """One check of a capture, as an officer at a counter sees it: no value, and nothing that was read.

    Attributes:
        name: of the check.
        outcome: `pass`, `doubt` or `fail`; None if it could not be assessed.
        reason: code, or None.
        required: whether an accept by the service needs it.
    """

    name: str
    outcome: str | None
    reason: str | None
    required: bool


@dataclass(frozen=True, slots=True)
class CounterCapture:
    """The last verdict of captures that were taken during a visit, without anything that was read from the card.

    Attributes:
        verification: its id.
        decision: of the verdict.
        reasons: codes.
        checks: what was checked; those that failed first.
        acceptable: whether an officer may accept it.
    """

    verification: str
    decision: str
    reasons: tuple[str, ...]
    checks: tuple[CounterCheck, ...]
    acceptable: bool


class CounterDesk:
    """Issues tickets and serves counters; every method may raise `StoreUnavailable` and `AuditBroken`.

    Args:
        cases: the registrations.
        verdicts: of their attempts.
        keys: sign the officers' statements.
        audit: gets a line for each step.
        issuer: of the statements.
    """

    def __init__(
        self, cases: Registrations, verdicts: VerdictStore, keys: KeyRing, audit: AuditLog, issuer: str
    ) -> None:
        self._cases = cases
        self._verdicts = verdicts
        self._tickets = cases.tickets
        self._keys = keys
        self._audit = audit
        self._issuer = issuer

    def issue(self, registration: str, client: str) -> IssuedTicket:
        """Issues a ticket for a registration that goes to a counter; an earlier one is void.

        An applicant who may still send captures, and would rather be seen by a person, goes to the counter with it.

        Args:
            registration: its id.
            client: its owner.

        Raises:
            ServiceProblem: `registration_unknown` or `registration_closed`.
        """
        with self._cases.database.write() as connection:
            row = registration_rows.find(connection, registration, client, lock=True)
            if row.client != client:
                raise ServiceProblem("registration_unknown", "There is no registration of this id.")
            if RegistrationStatus(row.status) in CAPTURING:
                self._cases.move(connection, registration, RegistrationEvent.COUNTER_CHOSEN, by=client)
            elif RegistrationStatus(row.status) is not RegistrationStatus.AT_COUNTER:
                raise ServiceProblem(
                    "registration_closed", "The registration goes to no counter in its present status."
                )
            # What an earlier visit captures is not captured in the next one.
            ended = update(REGISTRATIONS).where(REGISTRATIONS.c.id == registration)
            connection.execute(ended.values(operation=None))
            latest = int(datetime.now(UTC).timestamp() * 1000 + self._cases.rules.ticket_s * 1000)
            issued = self._tickets.issue(connection, registration, min(latest, row.expires_ms))
            self._audit.append("counter_ticket_made", registration=registration, by=client)
            return issued

    def revoke(self, registration: str, client: str) -> bool:
        """Makes a registration's ticket void; returns False if it has none in force."""
        with self._cases.database.write() as connection:
            row = registration_rows.find(connection, registration, client, lock=True)
            if row.client != client or not self._tickets.revoke(connection, registration):
                return False
            self._audit.append("counter_ticket_revoked", registration=registration, by=client)
            return True

    def open(self, code: str, client: str) -> tuple[Visit, Registration]:
        """Opens a registration at a counter.

        Args:
            code: of the ticket.
            client: of the counter.

        Raises:
            ServiceProblem: `counter_code_invalid` or `counter_locked`.
        """
        visit = self._open(code, client)
        found = self._cases.find(visit.registration, None)
        if found is None or found.status is not RegistrationStatus.AT_COUNTER:
            raise _invalid()
        self._audit.append("counter_opened", registration=visit.registration, by=client)
        return visit, found

    def capture(self, visit: Visit) -> CounterCapture | None:
        """Returns what the captures of a visit showed; None while none were taken."""
        verdict = None if visit.verification is None else self._verdicts.load(visit.verification)
        if verdict is None:
            return None
        with self._cases.database.read() as connection:
            acceptable = self._is_suitable(connection, visit)
        required = verdict.get("required") or ()
        checks = [
            CounterCheck(one["name"], one["outcome"], one["reason"], one["name"] in required)
            for one in verdict["checks"]
        ]
        checks.sort(key=lambda check: _WORST_FIRST[check.outcome])
        about = (verdict["id"], verdict["decision"], tuple(verdict["reasons"]), tuple(checks))
        return CounterCapture(*about, acceptable=acceptable)

    def decide(self, code: str, client: str, choice: CounterChoice, officer: str) -> Decided:
        """Ends a registration by an officer's decision, which is signed.

        Args:
            code: of the ticket.
            client: of the counter that opened it.
            choice: of the officer.
            officer: the counter's own name of the officer.

        Returns:
            The decision; the same again where this counter asks once more for what it decided.

        Raises:
            ServiceProblem: `counter_code_invalid`, `counter_locked`, `counter_verdict_unsuitable`, or
                `registration_closed`: it expired meanwhile, or was decided otherwise.
        """
        earlier = self._tickets.decided(code, client)
        if earlier is not None:  # the answer to the officer's own request was lost
            return self._again(choice, *earlier)
        visit = self._open(code, client)
        with self._cases.database.write() as connection:
            if choice is CounterChoice.ACCEPT and not self._is_suitable(connection, visit, lock=True):
                raise ServiceProblem(
                    "counter_verdict_unsuitable",
                    "An accept needs captures by a device here, of the same card, that were not rejected.",
                )
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            about: dict[str, str | None] = {"jti": "cst_" + new_id().removeprefix("ver_"), "at": at}
            about["aud"] = "identity-core"
            about |= {"registration": visit.registration, "verification": visit.verification}
            about |= {"decision": choice, "officer": officer, "counter": client}
            statement = sign_claims(about, self._keys.current, self._issuer, STATEMENT)
            digest = payload_hash(statement)
            status = self._cases.move(connection, visit.registration, _EVENT_OF[choice], by=client, statement=digest)
            self._tickets.decide(connection, visit.registration, client, statement)
            told = {"registration": visit.registration, "decision": choice, "by": client, "officer": officer}
            self._audit.append("counter_decided", **told)
        return Decided(visit.registration, status, statement)

    def _again(self, choice: CounterChoice, registration: str, statement: str) -> Decided:
        found = self._cases.find(registration, None)
        if found is None or found.status is not _STATUS_OF[choice]:
            raise ServiceProblem("registration_closed", "The registration was decided otherwise.")
        return Decided(registration, found.status, statement)

    def _open(self, code: str, client: str) -> Visit:
        try:
            return self._tickets.open(code, client, self._cases.rules.visit_s)
        except ServiceProblem as problem:
            if problem.code == "counter_code_invalid":  # a few an hour: a locked counter's codes are not looked at
                self._audit.append("counter_code_wrong", by=client)
            raise

    def _is_suitable(self, connection: Connection, visit: Visit, *, lock: bool = False) -> bool:
        """Returns whether the captures taken at this counter may be accepted.

        They must be the registration's last ones, come from a streaming device and not from uploaded files, show the
        card of the earlier attempts with its number read with certainty, and not be rejected: an officer settles a
        doubt, and does not undo a failed check. An applicant who needs a guardian has one.
        """
        columns = (REGISTRATIONS.c.person, REGISTRATIONS.c.verification)
        of_registration = select(*columns).where(REGISTRATIONS.c.id == visit.registration)
        if lock:
            of_registration = of_registration.with_for_update()
        registration = connection.execute(of_registration).first()
        taken = (REGISTRATION_ATTEMPTS.c.decision, VERIFICATIONS.c.person)
        both = VERIFICATIONS.c.id == REGISTRATION_ATTEMPTS.c.verification
        wanted = select(*taken).where(both, REGISTRATION_ATTEMPTS.c.verification == visit.verification)
        found = None if visit.verification is None else connection.execute(wanted).first()
        if registration is None or registration.verification != visit.verification or found is None:
            return False  # another capture may have ended since the visit was read
        same_card = found.person is not None and found.person == registration.person
        verdict = self._verdicts.load(registration.verification)
        if verdict is None or verdict.get("capture_level") not in _OF_DEVICES:
            return False
        return same_card and found.decision != Decision.REJECT and not lacks_guardian(verdict)


def _invalid() -> ServiceProblem:
    return ServiceProblem("counter_code_invalid", "No ticket in force has this code at this counter.")
