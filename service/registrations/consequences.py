"""Everything that follows from a verdict, stored in the transaction that stores the verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from idproof.pipeline import Verdict, Verifier, guardian
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.verdict import to_json
from idproof.service.cases.next_steps import NextStep, next_step
from idproof.service.cases.states import RegistrationStatus
from idproof.service.cases.store import Registrations
from idproof.service.credentials.issuance import Issuance
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox import Destination, Outbox
from idproof.service.outbox.queue import registration_stream
from idproof.service.reviews.reviews import Reviews
from idproof.service.storage import Ticket


@dataclass(frozen=True, slots=True)
class Consequences:
    """Stores what follows from a verdict: deliveries, the registration's transition, review, claims and audit line.

    Attributes:
        outbox: queues the deliveries.
        cases: registrations above the verifications.
        issuance: issues credentials of what is accepted, or None.
        audit: gets a line for each verdict.
        verifier: knows the document type.
        reviews: of referred registrations, or None.
    """

    outbox: Outbox
    cases: Registrations
    issuance: Issuance | None
    audit: AuditLog
    verifier: Verifier
    reviews: Reviews | None = None

    def store(
        self,
        connection: Connection,
        ticket: Ticket,
        response: dict[str, Any],
        verdict: Verdict,
        destinations: Iterable[Destination],
        after: str | None = None,
    ) -> None:
        """Stores them.

        Args:
            connection: of the transaction that stores the verdict.
            ticket: of the verification.
            response: body of the response.
            verdict: as the pipeline gave it; the response of an encrypted one shows no fields.
            destinations: of the verdict.
            after: the verdict that must be the registration's last one by now, or None.

        Raises:
            ServiceProblem: the registration takes no such verdict any more.
        """
        for destination in destinations:
            self.outbox.add(connection, destination, ticket.id, _order_of(ticket, response))
        status = self._conclude(connection, ticket, response, verdict, after)
        if self.reviews is not None and ticket.registration is not None and status is RegistrationStatus.IN_REVIEW:
            self.reviews.open(connection, ticket.registration, ticket.id, response["reasons"])
        if self.issuance is not None and status in (None, RegistrationStatus.ACCEPTED):
            self.issuance.hold(connection, to_json(verdict) | {"id": ticket.id}, self.verifier.document)
        # Last, so that the transaction cannot end without the audit line.
        self.audit.append("verified", id=ticket.id, decision=response["decision"], reasons=response["reasons"])

    def _conclude(
        self, connection: Connection, ticket: Ticket, response: dict[str, Any], verdict: Verdict, after: str | None
    ) -> RegistrationStatus | None:
        if ticket.registration is None:
            return None
        step = next_step(response["decision"], response["reasons"])
        kept = {name: response[name] for name in ("reference", "session", "guardian")} | {"verdict": to_json(verdict)}
        form = CardData(**verdict.form)
        adult = guardian.adult(form, today(self.verifier.document))
        known = kept if step is NextStep.RECORDS else None
        return self.cases.conclude(connection, ticket, response, step, form.number, known, after, adult)


def _order_of(ticket: Ticket, response: dict[str, Any]) -> str:
    """Returns the name of the order in which this verdict is delivered with others."""
    if ticket.registration is not None:
        return registration_stream(ticket.registration)
    return f"{ticket.client}\0{response['reference'] or ticket.id}"
