"""Registrations: received by HTTP or taken from a stream, and verified."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup
from fastapi import Request
from starlette.requests import ClientDisconnect

from idproof.pipeline import VaultSession, Verifier
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import CaptureOrigin
from idproof.service.cases.counter import CounterDesk
from idproof.service.cases.guardians import Guardians
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.store import Registrations
from idproof.service.claims import CoreKey
from idproof.service.credentials.issuance import Issuance
from idproof.service.errors import ServiceProblem, StoreUnavailable, log_error
from idproof.service.http.draining import drain_request
from idproof.service.http.uploads import METADATA, Pace, Received, Upload, metadata_invalid
from idproof.service.operations import telemetry
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import Metrics
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker
from idproof.service.registrations.consequences import Consequences
from idproof.service.registrations.freshness import use_captures
from idproof.service.registrations.outcomes import VerificationOutcomes
from idproof.service.registrations.slots import Slots
from idproof.service.registrations.streamed_session import StreamedSession, add_stream, ending_reported
from idproof.service.request_faults import RequestFault
from idproof.service.reviews.reviews import Reviews
from idproof.service.signing.jws import with_valid_signature
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, Replay, Ticket, VerdictStore
from idproof.service.storage.capture_tokens import CaptureTokens
from idproof.service.storage.leases import LEASE_S

if TYPE_CHECKING:
    from idproof.service.face_templates.templates import FaceTemplates

T = TypeVar("T")
log = structlog.get_logger("idproof")


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """One request to verify a registration.

    Attributes:
        client: id of the client that sent it.
        session_id: of the capture session, or None.
        idempotency_key: the client's own, or None.
        client_waits: the response holds the verdict; False if it only says that the verification has begun.
        registration_id: of which it is an attempt; None for the capture session's, or none.
    """

    client: str
    session_id: str | None
    idempotency_key: str | None
    client_waits: bool
    registration_id: str | None = None

    @property
    def named(self) -> tuple[str, str | None, str | None, str | None]:
        """The arguments of `Ledger.begin`."""
        return self.client, self.session_id, self.idempotency_key, self.registration_id


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The outcome of one request.

    Attributes:
        id: of the verdict.
        response: the response body with the verdict, or None while the verification is running.
        replayed: an earlier request with the same idempotency key led to this verdict.
    """

    id: str
    response: dict[str, Any] | None
    replayed: bool = False


@dataclass
class RegistrationIntake:
    """Receives registrations, verifies them, and bounds how many are in progress; one per server process.

    Attributes:
        slots: bounds the registrations in progress.
        limiter: bounds the verifications that run at once; made on first use, inside the event loop.
        jobs: runs the verifications whose clients do not wait; set while the application runs.
        core_key: the identity core's public key, or None.
        issuance: issues credentials of accepted registrations, or None.
        reviews: of referred registrations, or None.
        face_templates: for later step-ups, or None.
    """

    settings: Settings
    verifier: Verifier
    keys: KeyRing
    store: VerdictStore
    ledger: Ledger
    audit: AuditLog
    delivery_worker: DeliveryWorker
    slots: Slots = field(init=False)
    limiter: anyio.CapacityLimiter | None = field(default=None)
    jobs: TaskGroup | None = None
    core_key: CoreKey | None = None
    metrics: Metrics = field(default_factory=Metrics)
    issuance: Issuance | None = None
    reviews: Reviews | None = None
    face_templates: "FaceTemplates | None" = None

    def __post_init__(self) -> None:
        at_once, waiting = self.settings.concurrency, self.settings.queue
        self.slots = Slots(at_once + waiting, at_once, self.settings.wait_s)

    @cached_property
    def cases(self) -> Registrations:
        """The registrations above the verifications."""
        worker, rules = self.delivery_worker, RegistrationRules.of(self.settings)
        return Registrations(self.store, worker.outbox, self.audit, rules, lambda: worker.destinations)

    @cached_property
    def capture_tokens(self) -> CaptureTokens:
        """The tokens of pages that capture."""
        return CaptureTokens(self.store.database, self.store.seal, self.settings.capture_tokens)

    @cached_property
    def guardians(self) -> Guardians:
        """Guardians who join capture sessions."""
        return Guardians(self.settings, self.store)

    @cached_property
    def counter(self) -> CounterDesk:
        """Tickets for counters, and what officers decide there."""
        return CounterDesk(self.cases, self.store, self.keys, self.audit, self.settings.issuer)

    @cached_property
    def consequences(self) -> Consequences:
        """Returns the writer of everything that follows from a verdict."""
        parts = (self.delivery_worker.outbox, self.cases, self.issuance, self.audit, self.verifier)
        return Consequences(*parts, self.reviews)

    @cached_property
    def outcomes(self) -> VerificationOutcomes:
        """Returns the writer of verdicts and failures."""
        parts = (self.settings, self.verifier.document.issuer_country, self.keys, self.core_key, self.ledger)
        return VerificationOutcomes(*parts, self.consequences, self.delivery_worker)

    async def verify_upload(
        self, request: Request, registration: RegistrationRequest, client_quota: AbstractContextManager[None]
    ) -> RegistrationResult:
        """Receives one registration and verifies it, before or after the response.

        Args:
            request: its body holds the captures.
            registration: who sent it, and how it is to be answered.
            client_quota: the client's share of the slots; held until the verification ends.

        Raises:
            IdproofError: it was refused, or could not be stored; its pictures are deleted either way.
        """
        async with AsyncExitStack() as resources:
            ticket = await self._begin(request, registration, resources, client_quota)
            pictures = resources.enter_context(self.verifier.vault.open())
            if isinstance(ticket, Replay):
                return await self._replay(request, registration, ticket, pictures)
            # While the body is received the client is still connected, so no webhook reports a failure.
            recorded = partial(self.outcomes.failure_recorded, ticket, pictures, client_waits=True, return_attempt=True)
            async with recorded():
                received = await self._receive(request, registration, pictures)
            async with recorded(reference=received.metadata.reference):
                frames = self._liveness_answer(ticket, received)
            if registration.client_waits:
                response = await self._verify(ticket, registration, pictures, received, frames)
                return RegistrationResult(ticket.id, response)
            assert self.jobs is not None  # noqa: S101 - the application is running
            job = (ticket, registration, pictures, received, frames)
            self.jobs.start_soon(self._verify_after_response, resources.pop_all(), *job)
            return RegistrationResult(ticket.id, None)

    async def verify_stream(
        self,
        registration: RegistrationRequest,
        client_quota: AbstractContextManager[None],
        pictures: VaultSession,
        received: Received,
        session: StreamedSession,
        level: CaptureLevel = CaptureLevel.DEVICE,
    ) -> dict[str, Any]:
        """Verifies what a stream left in the vault and returns the response body; the pictures are deleted.

        Args:
            registration: the device's client and its capture session.
            client_quota: as in `verify_upload`.
            pictures: the captures and the frames.
            received: the device's metadata, and when the answer to the challenge was complete.
            session: of the device; once it has ended, the verification is recorded as `stopped`.
            level: of the captures.

        Raises:
            IdproofError: it was refused, or could not be stored. If the session was not told of its beginning, nothing
                was deleted.
        """
        async with AsyncExitStack() as resources:
            resources.enter_context(client_quota)
            resources.enter_context(self.slots.hold(registration.client))
            ticket = await _in_thread(self.ledger.begin, *registration.named)
            assert isinstance(ticket, Ticket)  # noqa: S101 - without a key there is nothing to replay
            resources.callback(pictures.wipe)
            async with self._failure_recorded(ticket, registration, pictures, received):
                await session.begin_verification(ticket.id)
                with ending_reported(session):
                    frames = self._liveness_answer(ticket, received)
            return await self._verify(ticket, registration, pictures, received, frames, session, level)

    async def examine(self, call: Callable[..., T], *arguments: Any) -> T:
        """Makes a call that examines pictures on a thread, when one of `concurrency` is free, and records its time."""
        if self.limiter is None:
            self.limiter = anyio.CapacityLimiter(self.settings.concurrency)

        def timed() -> tuple[T, float]:
            started = time.perf_counter()
            return call(*arguments), time.perf_counter() - started

        result, seconds = await anyio.to_thread.run_sync(timed, limiter=self.limiter)
        self.slots.record(seconds)
        return result

    async def renew_leases(self) -> None:
        """Renews this process's leases for as long as the process runs."""
        while True:
            # A third of the lease: two renewals may fail before it lapses.
            await anyio.sleep(LEASE_S / 3)
            if self.slots.used:
                with suppress(IdproofError):  # a lost lease is noticed when the verdict is stored
                    await _in_thread(self.ledger.renew)

    async def _begin(
        self,
        request: Request,
        registration: RegistrationRequest,
        resources: AsyncExitStack,
        client_quota: AbstractContextManager[None],
    ) -> Ticket | Replay:
        try:
            resources.enter_context(client_quota)
            if registration.session_id is None and self.settings.session_required:
                raise ServiceProblem(
                    "session_missing", "Open a capture session; name it in the header Capture-Session."
                )
            resources.enter_context(self.slots.hold(registration.client))
            return await _in_thread(self.ledger.begin, *registration.named)
        except IdproofError:
            # The rest of the body is read, within bounds, so that the client gets the reason and no broken connection.
            await drain_request(request)
            raise

    async def _replay(
        self, request: Request, registration: RegistrationRequest, replay: Replay, pictures: VaultSession
    ) -> RegistrationResult:
        fingerprint = (await self._receive(request, registration, pictures)).fingerprint
        pictures.wipe()
        if fingerprint is None or not compare_digest(fingerprint, replay.fingerprint):
            raise ServiceProblem("idempotency_key_reused", "This Idempotency-Key came with another body before.")
        response = await _in_thread(self.store.load, replay.id)
        if response is None:
            raise ServiceProblem("not_found", "The verdict was erased.")
        # The answer repeats what was read from the card, so it is a read like any other.
        await _in_thread(partial(self.audit.append, "verdict_read", id=replay.id, by=registration.client))
        return RegistrationResult(replay.id, with_valid_signature(response, self.keys.current), replayed=True)

    async def _receive(self, request: Request, registration: RegistrationRequest, pictures: VaultSession) -> Received:
        client, key = registration.client, registration.idempotency_key
        fingerprint_key = None if key is None else self.ledger.fingerprint_key(client, key)
        try:
            pace = Pace(self.settings.idle_s, self.settings.upload_bytes_per_s)
            upload = Upload(pictures, request.headers.get("content-type"), pace, fingerprint_key)
            metadata = await upload.receive(aiter(request.stream()))
        except ClientDisconnect:
            # There is no client to answer; the end of the vault session deletes what had arrived.
            raise ServiceProblem("upload_malformed", "The client went away.") from None
        if metadata.document not in (None, self.verifier.document.name):
            expected = f"This service verifies {self.verifier.document.name}."
            raise metadata_invalid(RequestFault(METADATA, "/document", expected))
        return Received(metadata, upload.fingerprint(registration.session_id or ""), datetime.now(UTC))

    async def complete_erasure(self) -> None:
        """Destroys what an erasure left in this process's memory, and has what it queued delivered."""
        if self.face_templates is not None:
            try:
                await _in_thread(self.face_templates.destroy_erased)
            except StoreUnavailable as error:
                log_error(error)  # it is erased; the next round of cleaning destroys the rest
        self.delivery_worker.wake()

    def _liveness_answer(self, ticket: Ticket, received: Received) -> LivenessResponse | None:
        """Returns the frames with the challenge that they answer; raises `ServiceProblem` if they answer none."""
        described, session = received.metadata.liveness, ticket.session
        if described is None:
            if self.settings.liveness_required:
                raise ServiceProblem("frames_missing", "Send frames that answer the session's challenge.")
            return None
        if session is None:
            raise ServiceProblem("challenge_missing", "Frames answer the challenge of a capture session; name it.")
        if session.challenge.expired(received.at):
            raise ServiceProblem("challenge_lapsed", "The frames came too late; ask for another challenge.")
        return described.response(session.challenge, received.at, reduction_permitted=session.reduction_permitted)

    async def _verify(
        self,
        ticket: Ticket,
        registration: RegistrationRequest,
        pictures: VaultSession,
        received: Received,
        frames: LivenessResponse | None,
        session: StreamedSession | None = None,
        level: CaptureLevel = CaptureLevel.UPLOAD,
    ) -> dict[str, Any]:
        origin = CaptureOrigin(level, None if ticket.session is None else ticket.session.plan)
        async with self._failure_recorded(ticket, registration, pictures, received), AsyncExitStack() as resources:
            with ending_reported(session):
                use = await _in_thread(use_captures, self.ledger, ticket, pictures)
                guardianship = await _in_thread(self.guardians.of, ticket.session)
                origin = add_stream(replace(origin, checks=use.checks, guardianship=guardianship), session)
                verify = self.verifier.verify_session
                if self.reviews is not None and ticket.registration is not None:
                    resources.enter_context(self.reviews.offer_copies(ticket.id, pictures))
                if self.face_templates is not None and ticket.session is not None:  # passkeys are of sessions alone
                    pending = self.face_templates.pending
                    resources.enter_context(pending.offer(ticket.id, ticket.registration, pictures))
                verdict = await self.examine(verify, pictures, frames, origin)
                response = self.outcomes.sign_verdict(ticket, verdict, received.metadata.reference)
            if session is not None:
                session.decide()  # in the same step of the event loop in which the session was seen not to have ended
            store = partial(self.outcomes.store_verdict, client_waits=registration.client_waits)
            await _in_thread(store, ticket, response, received.fingerprint, verdict, use)
        self.delivery_worker.wake()
        self.metrics.count_verdict(response["decision"], response["reasons"], response["timings_ms"])
        telemetry.record_verification(ticket.id, response["decision"], response["timings_ms"])
        log.info("verified", id=ticket.id, decision=response["decision"], reasons=response["reasons"])
        return response

    async def _verify_after_response(
        self,
        resources: AsyncExitStack,
        ticket: Ticket,
        registration: RegistrationRequest,
        pictures: VaultSession,
        received: Received,
        frames: LivenessResponse | None,
    ) -> None:
        async with resources:
            try:
                await self._verify(ticket, registration, pictures, received, frames)
            except Exception as error:  # noqa: BLE001 - no client waits; `GET` reports the failure that was recorded
                log_error(error)

    def _failure_recorded(
        self, ticket: Ticket, registration: RegistrationRequest, pictures: VaultSession, received: Received
    ) -> AbstractAsyncContextManager[None]:
        waits, reference = registration.client_waits, received.metadata.reference
        return self.outcomes.failure_recorded(ticket, pictures, client_waits=waits, reference=reference)


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    return await anyio.to_thread.run_sync(call, *arguments)
