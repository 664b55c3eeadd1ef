"""Registrations: received, verified, and stored with everything that follows from the verdict."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from typing import Any, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup
from fastapi import Request
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from idproof.pipeline import Outcome, Status, VaultSession, Verdict, Verifier
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card import plan
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.liveness import examiner as liveness
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.verdict import to_json
from idproof.service.claims import CoreKey
from idproof.service.errors import ServiceProblem, log_error
from idproof.service.http.draining import drain_request
from idproof.service.http.problems import describe_error
from idproof.service.http.uploads import METADATA, Metadata, Pace, Received, Upload, metadata_invalid
from idproof.service.operations import telemetry
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import Metrics
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Destination
from idproof.service.registrations.freshness import CaptureUse, use_captures
from idproof.service.registrations.responses import signed_response
from idproof.service.registrations.slots import Slots
from idproof.service.registrations.streamed_session import StreamedSession
from idproof.service.request_faults import RequestFault
from idproof.service.signing.jws import with_valid_signature
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, Progress, Replay, Ticket, VerdictStore
from idproof.service.storage.ledger import FAILED, LEASE_S

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
    """

    client: str
    session_id: str | None
    idempotency_key: str | None
    client_waits: bool


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

    def __post_init__(self) -> None:
        self.slots = Slots(self.settings.concurrency + self.settings.queue)

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
            waiting = replace(registration, client_waits=True)
            async with self._failure_recorded(ticket, waiting, return_attempt=True):
                received = await self._receive(request, registration, pictures)
            async with self._failure_recorded(ticket, waiting, received, return_attempt=True):
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
            ticket = await _in_thread(self.ledger.begin, registration.client, registration.session_id, None)
            assert isinstance(ticket, Ticket)  # noqa: S101 - without a key there is nothing to replay
            resources.callback(pictures.wipe)
            async with self._failure_recorded(ticket, registration, received):
                await session.begin_verification(ticket.id)
                with _ending_reported(session):
                    frames = self._liveness_answer(ticket, received)
            return await self._verify(ticket, registration, pictures, received, frames, session, level)

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
            call = (registration.client, registration.session_id, registration.idempotency_key)
            return await _in_thread(self.ledger.begin, *call)
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
        async with self._failure_recorded(ticket, registration, received):
            if self.limiter is None:
                self.limiter = anyio.CapacityLimiter(self.settings.concurrency)
            with _ending_reported(session):
                use = await _in_thread(use_captures, self.ledger, ticket, pictures)
                turned = () if session is None else (session.check_turning(),)
                origin = replace(origin, checks=(*use.checks, *turned), streamed=session is not None)
                verify = self.verifier.verify_session
                verdict = await anyio.to_thread.run_sync(verify, pictures, frames, origin, limiter=self.limiter)
                response = self._response(ticket, verdict, received.metadata)
            if session is not None:
                session.decide()  # in the same step of the event loop in which the session was seen not to have ended
            number = verdict.form.get("number")
            await _in_thread(self._store, ticket, registration, response, received.fingerprint, number, use)
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

    def _response(self, ticket: Ticket, verdict: Verdict, metadata: Metadata) -> dict[str, Any]:
        session = ticket.session
        body = to_json(verdict) | {"id": ticket.id, "reference": metadata.reference}
        body["session"] = None if session is None else {"id": session.id, "nonce": session.nonce}
        return signed_response(
            body, self.keys.current, self.settings, self.core_key, self.verifier.document.issuer_country
        )

    def _store(
        self,
        ticket: Ticket,
        registration: RegistrationRequest,
        response: dict[str, Any],
        fingerprint: bytes | None,
        number: str | None,
        use: CaptureUse,
    ) -> None:
        """Stores the verdict, its deliveries and its audit line in one transaction."""

        def store_consequences(connection: Connection) -> None:
            self.ledger.used_captures.hold(connection, ticket.id, use.contents)
            order_within = f"{ticket.client}\0{response['reference'] or ticket.id}"
            for destination in self._destinations(registration):
                self.delivery_worker.outbox.add(connection, destination, ticket.id, order_within)
            if _liveness_failed(response):
                self.ledger.sessions.failed(connection, ticket.session)
            elif ticket.session is not None and self._challenge_answered(response):
                self.ledger.sessions.limits.answered(connection, ticket.session.id)
            if ticket.session is not None and _plan_followed(response):
                self.ledger.sessions.limits.plan_followed(connection, ticket.session.id)
            # Last, so that the transaction cannot end without the audit line.
            self.audit.append("verified", id=ticket.id, decision=response["decision"], reasons=response["reasons"])

        self.ledger.finish(ticket, response, fingerprint, store_consequences, number)

    @asynccontextmanager
    async def _failure_recorded(
        self,
        ticket: Ticket,
        registration: RegistrationRequest,
        received: Received | None = None,
        *,
        return_attempt: bool = False,
    ) -> AsyncIterator[None]:
        """On an error gives the session and the idempotency key back, and records the error for `GET`.

        Args:
            ticket: of the verification.
            registration: its request.
            received: the body, if it has arrived.
            return_attempt: the error is of the request, no picture was examined, and the session keeps its attempt.
        """
        try:
            yield
        except Exception as error:
            described = describe_error(error)
            reference = None if received is None else received.metadata.reference
            problem = (described.code, described.status, described.sentence, described.capture)
            failure = Progress(FAILED, *problem, reference)
            # If this cannot be stored either, the lease lapses.
            with suppress(IdproofError), anyio.CancelScope(shield=True):
                fail = partial(self.ledger.fail, return_attempt=return_attempt)
                await _in_thread(fail, ticket, failure, lambda on: self._notify_failure(on, ticket, registration))
            raise

    def _challenge_answered(self, response: dict[str, Any]) -> bool:
        """Returns whether the session's challenge was answered, or, by the operator's exception, need not be.

        Frames that could not be assessed are no answer: a recording made for another challenge can be spoilt so that
        nothing fails.
        """
        assessed = any(c["name"] == liveness.NAME and c["status"] == Status.ASSESSED for c in response["checks"])
        held = assessed and not _liveness_failed(response)
        return held or self.settings.accept_without_liveness_because is not None

    def _destinations(self, registration: RegistrationRequest) -> list[Destination]:
        """Returns where a verdict is delivered: to the core always, to the webhook if no client waits."""
        wanted = [Destination.CORE] if registration.client_waits else [Destination.CORE, Destination.WEBHOOK]
        return [destination for destination in wanted if destination in self.delivery_worker.destinations]

    def _notify_failure(self, connection: Connection, ticket: Ticket, registration: RegistrationRequest) -> None:
        if Destination.WEBHOOK in self._destinations(registration):
            self.delivery_worker.outbox.add(connection, Destination.WEBHOOK, ticket.id, ticket.id)


@contextmanager
def _ending_reported(session: StreamedSession | None) -> Iterator[None]:
    """Raises `stopped` at the end of the block, instead of any other error, once the session has ended."""
    try:
        yield
    except Exception:
        if session is not None and session.ended:
            raise _stopped() from None
        raise
    if session is not None and session.ended:
        raise _stopped()


def _stopped() -> ServiceProblem:
    return ServiceProblem("stopped", "The session was ended before its verdict; every picture was deleted.")


def _liveness_failed(response: dict[str, Any]) -> bool:
    """Returns whether a check of liveness failed; too many such failures lock a device."""
    return any(c["name"].startswith(liveness.NAME) and c["outcome"] == Outcome.FAIL for c in response["checks"])


def _plan_followed(response: dict[str, Any]) -> bool:
    """Returns whether the captures showed the card in the poses of the session's plan."""
    return any(c["name"] == plan.NAME and c["outcome"] == Outcome.PASS for c in response["checks"])


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    return await anyio.to_thread.run_sync(call, *arguments)
