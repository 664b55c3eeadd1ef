"""The application of a department that verifies presentations and no cards; it loads no neural network."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
from fastapi import Depends, FastAPI, Response
from fastapi.responses import PlainTextResponse

from idproof.service.auth import AccessControl, Scope
from idproof.service.errors import SettingsInvalid
from idproof.service.http import description, docs_page, openapi, problems, protection
from idproof.service.http.body_limits import MAX_BODY_BYTES
from idproof.service.http.requests import no_unknown_parameters
from idproof.service.operations import retention
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.metrics import MEDIA_TYPE, Metrics
from idproof.service.operations.production import require_complete
from idproof.service.operations.settings import Settings
from idproof.service.presentations import routes
from idproof.service.presentations.verifier import Presentations
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import VerdictStore


def create_presentation_app(settings: Settings, issuer_transport: httpx.BaseTransport | None = None) -> FastAPI:
    """Returns the application.

    Args:
        settings: of the operator; `presentation_verifier` is set.
        issuer_transport: carries the requests for status lists to issuers in place of the network.

    Raises:
        SettingsInvalid: the settings lack what it needs.
        KeysUnusable: a key file cannot be used.
        StoreUnavailable: the database cannot be opened.
        AuditBroken: the audit log was changed, or cannot be written.
    """
    require_complete(settings)
    ring = KeyRing(settings)
    store = VerdictStore.open(settings, ring.current.sealing, lambda: ring.current.newer_sealing)
    presentations = Presentations.open(settings, store, AuditLog.open(settings, ring), transport=issuer_transport)
    if presentations is None:
        raise SettingsInvalid("A verifier of presentations needs its URL: IDPROOF_PRESENTATION_VERIFIER.")
    gate, metrics = AccessControl(settings, store.database), Metrics()
    app = FastAPI(
        lifespan=lambda _: _background_jobs(presentations, store),
        dependencies=[Depends(no_unknown_parameters)],
        **openapi.ABOUT,
    )
    protection.install(app, settings, MAX_BODY_BYTES, metrics.count_response)
    problems.install(app)
    routes.install(app, presentations, gate)
    _state_routes(app, settings, store, gate, metrics)
    docs_page.install(app)
    description.install(app)
    return app


@asynccontextmanager
async def _background_jobs(presentations: Presentations, store: VerdictStore) -> AsyncIterator[None]:
    try:
        async with anyio.create_task_group() as housekeeping:
            housekeeping.start_soon(retention.run_cleaning, presentations.clean)
            yield
            housekeeping.cancel_scope.cancel()
    finally:
        store.close()


def _state_routes(app: FastAPI, settings: Settings, store: VerdictStore, gate: AccessControl, metrics: Metrics) -> None:
    @app.get("/healthz", responses=openapi.plain_response("Alive", "It answers."), response_model=None)
    async def alive() -> dict[str, str]:
        """Reports that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", responses=openapi.READY_RESPONSES, response_model=None)
    async def ready(response: Response) -> dict[str, Any]:
        """Reports whether a presentation asked for now would be checked."""
        checks = {
            "keys": all(path.exists() for path in settings.key_files),
            "database": await anyio.to_thread.run_sync(store.ready),
            "audit": os.access(settings.audit_head, os.R_OK | os.W_OK),
        }
        response.status_code = 200 if all(checks.values()) else 503
        return {"status": "ready" if all(checks.values()) else "not ready", "checks": checks}

    @app.get(
        "/metrics",
        dependencies=[Depends(gate.needs(Scope.METRICS_READ, through_outage=True))],
        responses=openapi.METRICS_RESPONSES,
        response_class=PlainTextResponse,
    )
    async def show_metrics() -> Response:
        """Prometheus metrics."""
        answers = await anyio.to_thread.run_sync(store.ready)
        text = await anyio.to_thread.run_sync(metrics.render, (0, 0), {} if answers else None)
        return Response(text, media_type=MEDIA_TYPE)
