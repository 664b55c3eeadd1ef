"""The outcome of a verification: a signed verdict, stored with what follows from it, or a failure in its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from sqlalchemy import Connection

from idproof.pipeline import Outcome, Status, VaultSession, Verdict
from idproof.pipeline.card import plan
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.liveness import examiner as liveness
from idproof.pipeline.verdict import to_json
from idproof.service.claims import CoreKey
from idproof.service.http.problems import describe_error
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Destination
from idproof.service.registrations.consequences import Consequences
from idproof.service.registrations.freshness import CaptureUse
from idproof.service.registrations.responses import signed_response
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, Progress, Ticket
from idproof.service.storage.ledger import FAILED


@dataclass(frozen=True, slots=True)
class VerificationOutcomes:
    """Signs verdicts, and stores verdicts and failures.

    Attributes:
        settings: the issuer, and whether frames are required.
        issuer_country: of the card's document type, for the claims.
        keys: the signing keys.
        core_key: the identity core's public key, or None.
        ledger: the verifications that have begun.
        consequences: stores everything that follows from a verdict.
        delivery_worker: delivers verdicts and failures.
    """

    settings: Settings
    issuer_country: str | None
    keys: KeyRing
    core_key: CoreKey | None
    ledger: Ledger
    consequences: Consequences
    delivery_worker: DeliveryWorker

    def sign_verdict(self, ticket: Ticket, verdict: Verdict, reference: str | None) -> dict[str, Any]:
        """Returns the body of the response, with its JWS.

        Args:
            ticket: of the verification.
            verdict: as the pipeline gave it.
            reference: the client's own, or None.
        """
        session = ticket.session
        body = to_json(verdict) | {"id": ticket.id, "reference": reference}
        body["session"] = None if session is None else {"id": session.id, "nonce": session.nonce}
        body["registration"] = ticket.registration
        body["guardian"] = None if session is None or session.guardian is None else dict(session.guardian)
        return signed_response(body, self.keys.current, self.settings, self.core_key, self.issuer_country)

    def store_verdict(
        self,
        ticket: Ticket,
        response: dict[str, Any],
        fingerprint: bytes | None,
        verdict: Verdict,
        use: CaptureUse,
        *,
        client_waits: bool,
    ) -> None:
        """Stores the verdict, its deliveries, what may be issued of it, and its audit line in one transaction.

        Args:
            ticket: of the verification.
            response: of `sign_verdict`.
            fingerprint: of the body that was received, or None.
            verdict: as the pipeline gave it; the response of an encrypted one shows no fields.
            use: of its captures.
            client_waits: as in `RegistrationRequest`.

        Raises:
            IdproofError: nothing was stored.
        """

        def store_consequences(connection: Connection) -> None:
            self.ledger.used_captures.hold(connection, ticket.id, use.contents)
            if _liveness_failed(response):
                self.ledger.sessions.failed(connection, ticket.session)
            elif ticket.session is not None and self._challenge_answered(response):
                self.ledger.sessions.limits.answered(connection, ticket.session.id)
            if ticket.session is not None and _plan_followed(response):
                self.ledger.sessions.limits.plan_followed(connection, ticket.session.id)
            self.consequences.store(connection, ticket, response, verdict, self._destinations(client_waits))

        self.ledger.finish(ticket, response, fingerprint, store_consequences, verdict.form.get("number"))

    @asynccontextmanager
    async def failure_recorded(
        self,
        ticket: Ticket,
        pictures: VaultSession,
        *,
        client_waits: bool,
        reference: str | None = None,
        return_attempt: bool = False,
    ) -> AsyncIterator[None]:
        """On an error deletes the pictures, gives session and idempotency key back, and records the error for `GET`.

        Args:
            ticket: of the verification.
            pictures: deleted before the error can be read.
            client_waits: the client is connected and learns of the error; otherwise the webhook does.
            reference: the client's own, if the body with it has arrived.
            return_attempt: the error is of the request, no picture was examined, and the session keeps its attempt.
        """
        try:
            yield
        except Exception as error:
            pictures.wipe()
            described = describe_error(error)
            problem = (described.code, described.status, described.sentence, described.capture)
            failure = Progress(FAILED, *problem, reference)
            # If this cannot be stored either, the lease lapses.
            with suppress(IdproofError), anyio.CancelScope(shield=True):
                fail = partial(self.ledger.fail, return_attempt=return_attempt)
                notify = partial(self._notify_failure, ticket=ticket, client_waits=client_waits)
                await anyio.to_thread.run_sync(fail, ticket, failure, notify)
            raise

    def _challenge_answered(self, response: dict[str, Any]) -> bool:
        """Returns whether the session's challenge was answered, or, by the operator's exception, need not be.

        Frames that could not be assessed are no answer: a recording made for another challenge can be spoilt so that
        nothing fails.
        """
        assessed = any(c["name"] == liveness.NAME and c["status"] == Status.ASSESSED for c in response["checks"])
        held = assessed and not _liveness_failed(response)
        return held or self.settings.accept_without_liveness_because is not None

    def _destinations(self, client_waits: bool) -> list[Destination]:
        """Returns where an outcome is delivered: to the core always, to the webhook if no client waits."""
        wanted = [Destination.CORE] if client_waits else [Destination.CORE, Destination.WEBHOOK]
        return [destination for destination in wanted if destination in self.delivery_worker.destinations]

    def _notify_failure(self, connection: Connection, ticket: Ticket, client_waits: bool) -> None:
        if Destination.WEBHOOK in self._destinations(client_waits):
            self.delivery_worker.outbox.add(connection, Destination.WEBHOOK, ticket.id, ticket.id)


def _liveness_failed(response: dict[str, Any]) -> bool:
    """Returns whether a check of liveness failed; too many such failures lock a device."""
    return any(c["name"].startswith(liveness.NAME) and c["outcome"] == Outcome.FAIL for c in response["checks"])


def _plan_followed(response: dict[str, Any]) -> bool:
    """Returns whether the captures showed the card in the poses of the session's plan."""
    return any(c["name"] == plan.NAME and c["outcome"] == Outcome.PASS for c in response["checks"])
