"""The desk: takes registrations in, has them verified, and keeps what came of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup
from fastapi import Request
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from idproof.pipeline import BadInput, Outcome, VaultSession, Verdict, Verifier
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.liveness import examiner as liveness
from idproof.pipeline.liveness.response import LivenessAnswer
from idproof.pipeline.verdict import to_json
from idproof.service.claims import CoreKey, verified_claims
from idproof.service.claims.core_encryption import without_fields
from idproof.service.http.problems import ServiceProblem, told
from idproof.service.http.uploads import Metadata, Received, Upload, drain
from idproof.service.operations import telemetry
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import Metrics
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Destination
from idproof.service.signing.jws import sign, sign_claims
from idproof.service.signing.keys import KeyRing, Keys
from idproof.service.storage import Ledger, Progress, Replay, Ticket, VerdictStore
from idproof.service.storage.ledger import LEASE_S

T = TypeVar("T")
CORE_TYPE = "verdict-fields+jwt"
log = structlog.get_logger("idproof")


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants what: one request to verify."""

    client: str
    session_id: str | None
    key: str | None
    wait: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What came of it: the verdict, or None while it is under way; and whether it had been given before."""

    id: str
    answer: dict[str, Any] | None
    replayed: bool = False


@dataclass
class Desk:
    """What the endpoints share: the verifier, the keys, the store, and how much work may wait."""

    settings: Settings
    verifier: Verifier
    keys: KeyRing
    store: VerdictStore
    ledger: Ledger
    audit: AuditLog
    delivery_worker: DeliveryWorker
    admitted: int = 0
    limiter: anyio.CapacityLimiter | None = field(default=None)
    jobs: TaskGroup | None = None
    core_key: CoreKey | None = None
    metrics: Metrics = field(default_factory=Metrics)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One place at the desk; raises `busy` when all are taken, before anything is received."""
        taken, all_ = self.places
        if taken >= all_:
            raise ServiceProblem("busy", "All places are taken; please try again shortly.")
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def take(self, request: Request, order: Order, share: AbstractContextManager[None]) -> Given:
        """Receive one registration and verify it, or let it be verified after the answer.

        Args:
            request: with the captures.
            order: who wants what.
            share: held for as long as it takes: what this client may have at once.

        Raises:
            IdproofError: it was refused, or could not be kept; its pictures are deleted either way.
        """
        async with AsyncExitStack() as held:
            begun = await self._begin(request, order, held, share)
            pictures = held.enter_context(self.verifier.vault.open())
            if isinstance(begun, Replay):
                return await self._again(request, order, begun, pictures)
            async with self._accounted(begun, replace(order, wait=True)):  # whoever sent it is still there
                received = await self._receive(request, order, pictures)
                answer = self._answered(begun, received)
            if order.wait:
                return Given(begun.id, await self._verify(begun, order, pictures, received, answer))
            assert self.jobs is not None  # noqa: S101 - the application is running
            self.jobs.start_soon(self._later, held.pop_all(), begun, order, pictures, received, answer)
            return Given(begun.id, None)

    async def take_streamed(
        self,
        order: Order,
        share: AbstractContextManager[None],
        pictures: VaultSession,
        received: Received,
        begun: Callable[[str], Awaitable[None]],
    ) -> dict[str, Any]:
        """Verify what a stream left in the vault, as `take` does with a body; its pictures are deleted either way.

        Args:
            order: who wants what.
            share: as in `take`.
            pictures: with the captures and the frames.
            received: what the device said of them, and when the answer to the challenge was complete.
            begun: is told the verdict's id.

        Raises:
            IdproofError: it was refused, or could not be kept. Nothing was deleted yet when nothing was begun.
        """
        async with AsyncExitStack() as held:
            held.enter_context(share)
            await held.enter_async_context(self.place())
            ticket = await _thread(self.ledger.begin, order.client, order.session_id, None)
            assert isinstance(ticket, Ticket)  # noqa: S101 - without a key there is nothing to replay
            await begun(ticket.id)
            held.callback(pictures.wipe)
            async with self._accounted(ticket, order):
                answer = self._answered(ticket, received)
            return await self._verify(ticket, order, pictures, received, answer)

    @property
    def places(self) -> tuple[int, int]:
        """Taken, and how many there are."""
        return self.admitted, self.settings.concurrency + self.settings.queue

    async def beat(self) -> None:
        """Renew this process's leases for as long as it lives."""
        while True:
            await anyio.sleep(LEASE_S / 3)
            if self.admitted:
                with suppress(IdproofError):  # lost leases are found out when the verdict is to be kept
                    await _thread(self.ledger.renew)

    async def _begin(
        self, request: Request, order: Order, held: AsyncExitStack, share: AbstractContextManager[None]
    ) -> Ticket | Replay:
        try:
            held.enter_context(share)
            if order.session_id is None and self.settings.session_required:
                raise ServiceProblem(
                    "session_missing", "Open a capture session; name it in the header Capture-Session."
                )
            await held.enter_async_context(self.place())
            return await _thread(self.ledger.begin, order.client, order.session_id, order.key)
        except IdproofError:
            # Read what nobody wants, within bounds: the client hears why instead of a broken connection.
            with suppress(ClientDisconnect):
                await drain(aiter(request.stream()))
            raise

    async def _again(self, request: Request, order: Order, replay: Replay, pictures: VaultSession) -> Given:
        fingerprint = (await self._receive(request, order, pictures)).fingerprint
        pictures.wipe()
        if fingerprint is None or not compare_digest(fingerprint, replay.fingerprint):
            raise ServiceProblem("idempotency_key_reused", "This Idempotency-Key came with another body before.")
        answer = await _thread(self.store.load, replay.id)
        if answer is None:
            raise ServiceProblem("not_found", "The verdict was erased.")
        return Given(replay.id, answer, replayed=True)

    async def _receive(self, request: Request, order: Order, pictures: VaultSession) -> Received:
        key = None if order.key is None else self.ledger.fingerprint_key(order.client, order.key)
        try:
            upload = Upload(pictures, request.headers.get("content-type"), self.settings.idle_s, key)
            metadata = await upload.receive(aiter(request.stream()))
        except ClientDisconnect:
            # Nobody is left to answer; leaving the session's block deletes what had come.
            raise ServiceProblem("upload_malformed", "The client went away.") from None
        if metadata.document != self.verifier.document.name:
            raise ServiceProblem("metadata_invalid", f"This service verifies {self.verifier.document.name}.")
        return Received(metadata, upload.fingerprint(order.session_id or ""), datetime.now(UTC))

    def _answered(self, ticket: Ticket, received: Received) -> LivenessAnswer | None:
        """The frames and the challenge they answer; raises `ServiceProblem` while nothing is decided."""
        said, session = received.metadata.liveness, ticket.session
        if said is None:
            if self.settings.liveness_required:
                raise ServiceProblem("frames_missing", "Send frames that answer the session's challenge.")
            return None
        if session is None:
            raise ServiceProblem("challenge_missing", "Frames answer the challenge of a capture session; name it.")
        if session.challenge.expired(received.at):
            raise ServiceProblem("challenge_lapsed", "The frames came too late; ask for another challenge.")
        return said.answer(session.challenge, received.at)

    async def _verify(
        self,
        ticket: Ticket,
        order: Order,
        pictures: VaultSession,
        received: Received,
        frames: LivenessAnswer | None,
    ) -> dict[str, Any]:
        async with self._accounted(ticket, order):
            if self.limiter is None:
                self.limiter = anyio.CapacityLimiter(self.settings.concurrency)
            verify = self.verifier.verify_session
            verdict = await anyio.to_thread.run_sync(verify, pictures, frames, limiter=self.limiter)
            answer = self._answer(ticket, verdict, received.metadata)
            await _thread(self._keep, ticket, order, answer, received.fingerprint, verdict.form.get("number"))
        self.delivery_worker.wake()
        self.metrics.count_verdict(answer["decision"], answer["reasons"], answer["timings_ms"])
        telemetry.record_verification(ticket.id, answer["decision"], answer["timings_ms"])
        log.info("verified", id=ticket.id, decision=answer["decision"], reasons=answer["reasons"])
        return answer

    async def _later(
        self,
        held: AsyncExitStack,
        ticket: Ticket,
        order: Order,
        pictures: VaultSession,
        received: Received,
        frames: LivenessAnswer | None,
    ) -> None:
        async with held:
            try:
                await self._verify(ticket, order, pictures, received, frames)
            except Exception as error:  # noqa: BLE001 - nobody is waiting for it: who asks is told by its progress
                told(error)

    def _answer(self, ticket: Ticket, verdict: Verdict, metadata: Metadata) -> dict[str, Any]:
        session = ticket.session
        body = to_json(verdict) | {"id": ticket.id, "reference": metadata.reference}
        body["session"] = None if session is None else {"id": session.id, "nonce": session.nonce}
        return signed(body, self.keys.current, self.settings, self.core_key)

    def _keep(
        self, ticket: Ticket, order: Order, answer: dict[str, Any], fingerprint: bytes | None, number: str | None
    ) -> None:
        """One transaction; the audit log says so before it ends, so that no verdict is without its line there."""

        def also(connection: Connection) -> None:
            registration = f"{ticket.client}\0{answer['reference'] or ticket.id}"
            for to in self._told(order):
                self.delivery_worker.outbox.add(connection, to, ticket.id, registration)
            if _not_alive(answer):
                self.ledger.sessions.failed(connection, ticket.session)
            self.audit.append("verified", id=ticket.id, decision=answer["decision"], reasons=answer["reasons"])

        self.ledger.finish(ticket, answer, fingerprint, also, number)

    @asynccontextmanager
    async def _accounted(self, ticket: Ticket, order: Order) -> AsyncIterator[None]:
        """What fails gives the session and the key back, with the problem for whoever asks."""
        try:
            yield
        except Exception as error:
            # If this cannot be written down either, the lease lapses.
            with suppress(IdproofError), anyio.CancelScope(shield=True):
                await _thread(
                    self.ledger.fail, ticket, _progress(error), lambda on: self._tell_failure(on, ticket, order)
                )
            raise

    def _told(self, order: Order) -> list[Destination]:
        """Whom a verdict is delivered to: the core always, the webhook when nobody waits."""
        wanted = [Destination.CORE] if order.wait else [Destination.CORE, Destination.WEBHOOK]
        return [to for to in wanted if to in self.delivery_worker.destinations]

    def _tell_failure(self, connection: Connection, ticket: Ticket, order: Order) -> None:
        if Destination.WEBHOOK in self._told(order):
            self.delivery_worker.outbox.add(connection, Destination.WEBHOOK, ticket.id, ticket.id)


def signed(body: dict[str, Any], keys: Keys, settings: Settings, core: CoreKey | None) -> dict[str, Any]:
    """The answer with its JWS; with a key of the identity core, what was read from the card is for the core alone."""
    claims = verified_claims(body, trust_framework=settings.trust_framework)
    more = {} if claims is None else {"verified_claims": claims}
    if core is None:
        body |= {"core_only": None}
        return body | {"jws": sign(body, keys, settings.issuer, **more)}
    private = {"jti": body["id"], "fields": body["fields"], "form": body["form"]} | more
    sealed = core.encrypt(sign_claims(private, keys, settings.issuer, CORE_TYPE))
    body = without_fields(body) | {"core_only": sealed}
    return body | {"jws": sign(body, keys, settings.issuer)}


def _not_alive(answer: dict[str, Any]) -> bool:
    """Whether a check of liveness failed: what locks a device when it comes too often."""
    return any(c["name"].startswith(liveness.NAME) and c["outcome"] == Outcome.FAIL for c in answer["checks"])


def _progress(error: Exception) -> Progress:
    code, status, sentence = told(error, log_it=False)
    return Progress("failed", code, status, sentence, error.capture if isinstance(error, BadInput) else None)


async def _thread(call: Callable[..., T], *arguments: Any) -> T:
    return await anyio.to_thread.run_sync(call, *arguments)
