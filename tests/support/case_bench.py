"""Registrations with their ledger, outbox and delivery worker, without a server."""

from collections.abc import Sequence
from typing import Any

from outbox_bench import Bench

from idproof.pipeline.assurance import CaptureLevel
from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.cases.store import Registrations
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox import Destination
from idproof.service.outbox.queue import registration_stream
from idproof.service.storage import Ticket

CLIENT = "one"


class CaseBench(Bench):
    """Registrations, and verifications that end as a test says."""

    def __init__(self, settings: Settings, rules: RegistrationRules | None = None) -> None:
        super().__init__(settings)
        self.audit = AuditLog.open(settings, self.ring)
        self.cases = Registrations(self.store, self.outbox, self.audit, rules, lambda: [Destination.CORE])

    def begin(self, registration: str) -> Ticket:
        ticket = self.ledger.begin(CLIENT, None, None, registration)
        assert isinstance(ticket, Ticket)
        return ticket

    def finish(
        self,
        ticket: Ticket,
        step: NextStep = NextStep.NOTHING,
        number: str | None = None,
        reasons: Sequence[str] = (),
        decision: str | None = None,
        level: CaptureLevel = CaptureLevel.UPLOAD,
    ) -> RegistrationStatus:
        decision = decision or ("accept" if step is NextStep.NOTHING else "refer")
        document: dict[str, Any] = {"id": ticket.id, "reference": None, "jws": f"jws of {ticket.id}"}
        document |= {"core_only": None, "decision": decision, "reasons": list(reasons)}
        document |= {"capture_level": level, "checks": []}
        moved: list[RegistrationStatus] = []
        kept: dict[str, Any] | None = {"verdict": {}} if step is NextStep.RECORDS else None

        def also(connection: Any) -> None:
            assert ticket.registration is not None
            self.outbox.add(connection, Destination.CORE, ticket.id, registration_stream(ticket.registration))
            moved.append(self.cases.conclude(connection, ticket, document, step, number, kept))

        self.ledger.finish(ticket, document, None, also, number)
        return moved[0]

    def attempt(self, registration: str, step: NextStep, number: str | None = None) -> RegistrationStatus:
        return self.finish(self.begin(registration), step, number)

    def move(self, registration: str, event: RegistrationEvent, statement: str | None = None) -> RegistrationStatus:
        with self.cases.database.write() as connection:
            return self.cases.move(connection, registration, event, by="officer", statement=statement)

    def status(self, registration: str) -> RegistrationStatus:
        found = self.cases.find(registration, CLIENT)
        assert found is not None
        return found.status
