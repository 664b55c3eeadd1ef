"""The HTTP application: its parts, its background jobs, and the routes without a registration."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import anyio
import httpx
from fastapi import Depends, FastAPI, Response
from fastapi.responses import PlainTextResponse

from idproof.pipeline import Verifier
from idproof.pipeline.vault import guards
from idproof.service import capture, kiosk
from idproof.service.auth import AccessControl, Scope
from idproof.service.claims import CoreKey, verdict_schema
from idproof.service.counter import pages as counter_page
from idproof.service.credentials import issuance_routes
from idproof.service.credentials.issuance import Issuance
from idproof.service.errors import StoreUnavailable
from idproof.service.face_templates.opening import open_face_templates
from idproof.service.http import (
    capture_routes,
    counter_routes,
    description,
    docs_page,
    guardian_routes,
    openapi,
    passkey_routes,
    permit_routes,
    problems,
    protection,
    registration_routes,
    review_routes,
    routes,
    step_up_routes,
)
from idproof.service.http.body_limits import MAX_BODY_BYTES, MAX_SANDBOX_BYTES
from idproof.service.http.requests import no_unknown_parameters
from idproof.service.operations import hardware, retention
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import MEDIA_TYPE, Metrics
from idproof.service.operations.privacy import privacy_statement
from idproof.service.operations.production import require_complete
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Destination, Outbox
from idproof.service.presentations import routes as presentation_routes
from idproof.service.presentations.verifier import Presentations
from idproof.service.registrations import records_again
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.reviews import pages as review_page
from idproof.service.reviews.opening import open_reviews
from idproof.service.reviews.store import QueueLength
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, SessionRules, VerdictStore
from idproof.service.storage.session_limits import Bounds
from idproof.service.stream import routes as stream

_CACHED = "public, max-age=300"
"""Of what is public and the same for everybody. Five minutes, by hand: a new signing key is found that soon even by
clients that do not ask again for an unknown `kid`."""
DRAIN_S = 30
"""Seconds that a stopping server gives the verifications that it has promised. Chosen by hand; no outside source."""


def create_app(
    settings: Settings,
    verifier: Verifier,
    core_transport: httpx.AsyncBaseTransport | None = None,
    issuer_transport: httpx.BaseTransport | None = None,
) -> FastAPI:
    """Returns the application.

    Args:
        settings: of the operator.
        verifier: verifies the registrations; closed when the application ends.
        core_transport: carries the deliveries to the identity core in place of the network.
        issuer_transport: carries the requests for status lists to issuers of credentials in place of the network.

    Raises:
        SettingsInvalid: in production, the settings lack what it needs; or no issuer of presentations is trusted.
        KeysUnusable: a key file cannot be used.
        CoreKeyUnusable: nothing can be encrypted to the identity core's key.
        StoreUnavailable: the database cannot be opened.
        AuditBroken: the audit log was changed, or cannot be written.
    """
    require_complete(settings)
    ring = KeyRing(settings)
    store = VerdictStore.open(settings, ring.current.sealing, lambda: ring.current.newer_sealing)
    audit = AuditLog.open(settings, ring)
    rules = SessionRules(
        settings.session_s,
        settings.session_attempts,
        settings.challenge_s,
        settings.challenges,
        client=Bounds(settings.client_unused_sessions, settings.client_unanswered_challenges),
        device=Bounds(settings.device_unused_sessions, settings.device_unanswered_challenges),
    )
    remembered, required = settings.captures_remembered_hours, settings.registration_required
    ledger = Ledger(store, rules, remembered, registration_required=required)
    core_key = CoreKey.load(settings.core_key) if settings.core_key is not None else None
    metrics, outbox = Metrics(), Outbox(store.database, store.seal)
    transports = {} if core_transport is None else {Destination.CORE: core_transport}
    delivery_worker = DeliveryWorker(
        outbox, store, ledger, ring, settings, observe=metrics.count_delivery, transports=transports
    )
    issuance = Issuance.open(settings, store, audit)
    intake = RegistrationIntake(
        settings,
        verifier,
        ring,
        store,
        ledger,
        audit,
        delivery_worker,
        core_key=core_key,
        metrics=metrics,
        issuance=issuance,
    )
    intake.reviews = open_reviews(intake)
    intake.face_templates = open_face_templates(intake)
    gate = AccessControl(settings, store.database)
    presentations = Presentations.open(settings, store, audit, issuance, issuer_transport)
    app = FastAPI(
        lifespan=lambda _: _background_jobs(intake, presentations),
        dependencies=[Depends(no_unknown_parameters)],
        **openapi.ABOUT,
    )
    longest = MAX_SANDBOX_BYTES if settings.sandbox else MAX_BODY_BYTES
    protection.install(app, settings, longest, metrics.count_response)
    problems.install(app)
    routes.install(app, intake, gate)
    registration_routes.install(app, intake, gate)
    counter_routes.install(app, intake, gate)
    guardian_routes.install(app, intake, gate)
    permit_routes.install(app, intake, gate)
    capture_routes.install(app, intake, gate)
    passkey_routes.install(app, intake, gate)
    issuance_routes.install(app, issuance, gate)
    presentation_routes.install(app, presentations, gate)
    step_up_routes.install(app, intake, gate)
    review_routes.install(app, intake, gate)
    stream.install(app, intake, gate)
    _state_routes(app, intake)
    _public_routes(app, intake)
    _metrics_route(app, intake, gate)
    capture.install(app, settings)
    kiosk.install(app)
    review_page.install(app)
    counter_page.install(app)
    docs_page.install(app)
    description.install(app)
    return app


@asynccontextmanager
async def _background_jobs(intake: RegistrationIntake, presentations: Presentations | None) -> AsyncIterator[None]:
    """Runs the background jobs. At the end, verifications that were promised with 202 get `DRAIN_S` to finish."""
    try:
        async with anyio.create_task_group() as housekeeping:
            housekeeping.start_soon(retention.run_retention, intake.store, intake.ledger, intake.audit, intake.settings)
            housekeeping.start_soon(intake.renew_leases)
            housekeeping.start_soon(retention.run_cleaning, intake.cases.expire)
            housekeeping.start_soon(retention.run_cleaning, intake.cases.tickets.clean)
            housekeeping.start_soon(retention.run_cleaning, intake.capture_tokens.clean)
            housekeeping.start_soon(records_again.run, intake)
            if intake.reviews is not None:
                housekeeping.start_soon(retention.run_cleaning, intake.reviews.clean)
            if intake.issuance is not None:
                housekeeping.start_soon(retention.run_cleaning, intake.issuance.clean)
            if intake.face_templates is not None:
                housekeeping.start_soon(retention.run_cleaning, intake.face_templates.destroy_erased)
            if presentations is not None:
                housekeeping.start_soon(retention.run_cleaning, presentations.clean)
            housekeeping.start_soon(intake.delivery_worker.run)
            async with anyio.create_task_group() as jobs:
                intake.jobs = jobs
                yield
                jobs.cancel_scope.deadline = anyio.current_time() + DRAIN_S
            housekeeping.cancel_scope.cancel()
    finally:
        if intake.reviews is not None and intake.reviews.pictures is not None:
            intake.reviews.pictures.close()
        if intake.face_templates is not None:
            intake.face_templates.close()
        intake.verifier.close()
        intake.store.close()


def _state_routes(app: FastAPI, intake: RegistrationIntake) -> None:
    @app.get("/healthz", responses=openapi.plain_response("Alive", "It answers."), response_model=None)
    async def alive() -> dict[str, str]:
        """Reports that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", responses=openapi.READY_RESPONSES, response_model=None)
    async def ready(response: Response) -> dict[str, Any]:
        """Reports whether a registration sent now would be verified and its verdict stored."""
        checks = {
            "networks": bool(intake.verifier.weights),
            "keys": all(path.exists() for path in intake.settings.key_files),
            "database": await anyio.to_thread.run_sync(intake.store.ready),
            "audit": os.access(intake.settings.audit_head, os.R_OK | os.W_OK),
            "guards": not intake.settings.production or not guards.missing(),
        }
        response.status_code = 200 if all(checks.values()) else 503
        state = "ready" if all(checks.values()) else "not ready"
        return {"status": state, "checks": checks, "networks_on": hardware.word_for(intake.verifier)}


def _public_routes(app: FastAPI, intake: RegistrationIntake) -> None:
    @app.get(
        "/.well-known/jwks.json", responses=openapi.plain_response("PublicKeys", "The JWK set."), response_model=None
    )
    async def jwks(response: Response) -> dict[str, Any]:
        """The public keys that verdicts are signed with."""
        response.headers["Cache-Control"] = _CACHED
        return intake.keys.current.public()

    @app.get("/v1/schemas/verdict.json", responses=openapi.UNKNOWN_PARAMETER)
    async def schema(response: Response) -> dict[str, Any]:
        """The JSON Schema of a verdict."""
        response.headers["Cache-Control"] = _CACHED
        return verdict_schema()

    @app.get(
        "/v1/privacy",
        responses=openapi.plain_response("PrivacyStatement", "The statement.") | openapi.UNKNOWN_PARAMETER,
        response_model=None,
    )
    async def privacy() -> dict[str, Any]:
        """The privacy statement: what is stored, for how long, and how it is deleted."""
        return privacy_statement(intake.settings, intake.verifier.vault.limits)


def _metrics_route(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    one_at_a_time = cache(lambda: anyio.CapacityLimiter(1))  # made within the event loop

    def render(outbox: Mapping[str, int] | None, queue: QueueLength | None) -> bytes:
        reviews = None if queue is None else (queue.counts, queue.oldest_s)
        return intake.metrics.render((intake.slots.used, intake.slots.total), outbox, reviews)

    @app.get(
        "/metrics",
        dependencies=[Depends(gate.needs(Scope.METRICS_READ, through_outage=True))],
        responses=openapi.METRICS_RESPONSES,
        response_class=PlainTextResponse,
    )
    async def metrics() -> Response:
        """Prometheus metrics."""
        outbox = queue = None
        with suppress(StoreUnavailable):
            outbox = await anyio.to_thread.run_sync(intake.delivery_worker.outbox.counts)
            if intake.reviews is not None:
                queue = await anyio.to_thread.run_sync(intake.reviews.store.waiting)
        # On a thread of its own, so that no size of the numbers holds up other requests.
        text = await anyio.to_thread.run_sync(render, outbox, queue, limiter=one_at_a_time())
        return Response(text, media_type=MEDIA_TYPE)
