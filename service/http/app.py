"""The HTTP service: captures in, signed verdict out."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import Depends, FastAPI, Response

from idproof.pipeline import Verifier
from idproof.pipeline.vault import guards
from idproof.service import kiosk
from idproof.service.auth import Gate, Scope
from idproof.service.claims import CoreKey, verdict_schema
from idproof.service.http import openapi, problems, routes
from idproof.service.http.shield import Shield
from idproof.service.operations import retention
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import MEDIA_TYPE, Metrics
from idproof.service.operations.privacy import privacy_statement
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Outbox
from idproof.service.registrations.intake import Desk
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, SessionRules, VerdictStore
from idproof.service.stream import routes as stream

DRAIN_S = 30


def create_app(settings: Settings, verifier: Verifier) -> FastAPI:
    """The application.

    Raises:
        KeysUnusable, CoreKeyUnusable, StoreUnavailable, AuditBroken: it cannot serve.
    """
    ring = KeyRing(settings)
    store, audit = VerdictStore.open(settings, ring.current.sealing), AuditLog.open(settings, ring)
    rules = SessionRules(settings.session_s, settings.session_attempts, settings.challenge_s, settings.challenges)
    ledger = Ledger(store, rules)
    core_key = CoreKey.load(settings.core_key) if settings.core_key is not None else None
    metrics, outbox = Metrics(), Outbox(store.database, store.seal)
    delivery_worker = DeliveryWorker(outbox, store, ledger, ring, settings, observe=metrics.count_delivery)
    desk = Desk(settings, verifier, ring, store, ledger, audit, delivery_worker, core_key=core_key, metrics=metrics)
    gate = Gate(settings, store.database)
    app = FastAPI(lifespan=lambda _: _life(desk), **openapi.ABOUT)
    app.add_middleware(Shield, secure=settings.tls_cert is not None, answered=metrics.count_response)
    problems.install(app)
    routes.install(app, desk, gate)
    stream.install(app, desk, gate)
    _state_routes(app, desk)
    _public_routes(app, desk)
    _metrics_route(app, desk, gate)
    kiosk.install(app)
    return app


@asynccontextmanager
async def _life(desk: Desk) -> AsyncIterator[None]:
    """The jobs beside the requests; what was promised with 202 is finished before the end, within bounds."""
    try:
        async with anyio.create_task_group() as housekeeping:
            housekeeping.start_soon(retention.run_retention, desk.store, desk.ledger, desk.audit, desk.settings)
            housekeeping.start_soon(desk.beat)
            housekeeping.start_soon(desk.delivery_worker.run)
            async with anyio.create_task_group() as jobs:
                desk.jobs = jobs
                yield
                jobs.cancel_scope.deadline = anyio.current_time() + DRAIN_S
            housekeeping.cancel_scope.cancel()
    finally:
        desk.verifier.close()
        desk.store.close()


def _state_routes(app: FastAPI, desk: Desk) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", responses=openapi.READY_ANSWERS)
    async def ready(response: Response) -> dict[str, Any]:
        """Whether a registration sent now would be verified and its verdict kept."""
        checks = {
            "networks": bool(desk.verifier.weights),
            "keys": all(path.exists() for path in desk.settings.key_files),
            "database": await anyio.to_thread.run_sync(desk.store.ready),
            "audit": os.access(desk.settings.audit_head, os.R_OK | os.W_OK),
            "guards": not desk.settings.production or not guards.missing(),
        }
        response.status_code = 200 if all(checks.values()) else 503
        return {"status": "ready" if all(checks.values()) else "not ready", "checks": checks}


def _public_routes(app: FastAPI, desk: Desk) -> None:
    @app.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        """The public keys that verdicts are signed with."""
        return desk.keys.current.public()

    @app.get("/v1/schemas/verdict.json")
    async def schema() -> dict[str, Any]:
        """The JSON Schema of a verdict."""
        return verdict_schema()

    @app.get("/v1/privacy")
    async def privacy() -> dict[str, Any]:
        """What is kept, for how long, and how it goes."""
        return privacy_statement(desk.settings, desk.verifier.vault.limits)


def _metrics_route(app: FastAPI, desk: Desk, gate: Gate) -> None:
    @app.get("/metrics", dependencies=[Depends(gate.needs(Scope.METRICS_READ))], responses=openapi.METRICS_ANSWERS)
    async def metrics() -> Response:
        """Prometheus metrics."""
        outbox = await anyio.to_thread.run_sync(desk.delivery_worker.outbox.counts)
        return Response(desk.metrics.render(desk.places, outbox), media_type=MEDIA_TYPE)
