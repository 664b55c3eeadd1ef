"""The HTTP service: captures in, signed verdict out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from idproof.pipeline import VaultSession, Verdict, Verifier
from idproof.pipeline.verdict import to_json
from idproof.service import openapi, problems, retention
from idproof.service.audit import AuditLog
from idproof.service.keys import Keys
from idproof.service.problems import ServiceProblem
from idproof.service.settings import Settings
from idproof.service.shield import Shield
from idproof.service.signing import sign
from idproof.service.storage import VerdictStore
from idproof.service.uploads import Metadata, Upload

log = structlog.get_logger("idproof")


@dataclass
class Desk:
    """What the endpoints share: the verifier, the keys, the store, and how much work may wait."""

    settings: Settings
    verifier: Verifier
    keys: Keys
    store: VerdictStore
    audit: AuditLog
    admitted: int = 0
    limiter: anyio.CapacityLimiter | None = field(default=None)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One place at the desk; raises `busy` when all are taken, before anything is received."""
        if self.admitted >= self.settings.concurrency + self.settings.queue:
            raise ServiceProblem("busy", "All places are taken; please try again shortly.")
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def verify(self, session: VaultSession) -> Verdict:
        """On a worker thread, as many at once as the settings allow."""
        if self.limiter is None:
            self.limiter = anyio.CapacityLimiter(self.settings.concurrency)
        return await anyio.to_thread.run_sync(self.verifier.verify_session, session, limiter=self.limiter)


def create_app(settings: Settings, verifier: Verifier) -> FastAPI:
    """The application; raises `KeysUnusable`, `StoreUnavailable` or `AuditBroken` when it cannot serve."""
    keys = Keys.open(settings)
    store, audit = VerdictStore.open(settings, keys.sealing), AuditLog.open(settings, keys)
    desk = Desk(settings, verifier, keys, store, audit)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as jobs:
            jobs.start_soon(retention.keep, desk.store, desk.audit, settings.retention_days)
            yield
            jobs.cancel_scope.cancel()
        desk.verifier.vault.close()
        desk.store.close()

    app = FastAPI(lifespan=lifespan, **openapi.ABOUT)
    app.add_middleware(Shield)
    problems.install(app)
    _routes(app, desk)
    _state_routes(app, desk)
    return app


def _routes(app: FastAPI, desk: Desk) -> None:
    @app.post("/v1/verifications", status_code=201, openapi_extra=openapi.VERIFY_BODY, responses=openapi.VERIFY_ANSWERS)
    async def verify(request: Request) -> JSONResponse:
        """Verify one registration, from three captures of the card and a selfie; they are deleted before the answer."""
        return await _verify(desk, request)

    @app.get("/v1/verifications/{verification_id}", responses=openapi.READ_ANSWERS)
    async def read(verification_id: str) -> JSONResponse:
        """A verdict that was given earlier."""
        found = await anyio.to_thread.run_sync(desk.store.load, verification_id)
        if found is None:
            return problems.problem("not_found", 404, "There is no verification of this id.")
        return JSONResponse(found)

    @app.delete("/v1/verifications/{verification_id}", status_code=204, responses=openapi.ERASE_ANSWERS)
    async def erase(verification_id: str) -> Response:
        """Erase a verdict and all that was read from the card."""
        if not await anyio.to_thread.run_sync(retention.erase, desk.store, desk.audit, verification_id):
            return problems.problem("not_found", 404, "There is no verification of this id.")
        return Response(status_code=204)


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
        }
        response.status_code = 200 if all(checks.values()) else 503
        return {"status": "ready" if all(checks.values()) else "not ready", "checks": checks}

    @app.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        """The public keys that verdicts are signed with."""
        return desk.keys.public()


async def _verify(desk: Desk, request: Request) -> JSONResponse:
    async with desk.place():
        with desk.verifier.vault.open() as session:
            metadata = await _receive(desk, request, session)
            verdict = await desk.verify(session)
        answer = _answer(desk, verdict, metadata)
        await anyio.to_thread.run_sync(_keep, desk, verdict, answer)
    log.info("verified", id=verdict.id, decision=verdict.decision.value, reasons=list(verdict.reasons))
    return JSONResponse(answer, 201, {"Location": f"/v1/verifications/{verdict.id}"})


def _keep(desk: Desk, verdict: Verdict, answer: dict[str, Any]) -> None:
    desk.store.save(verdict.id, answer)
    desk.audit.append("verified", id=verdict.id, decision=verdict.decision.value, reasons=list(verdict.reasons))


async def _receive(desk: Desk, request: Request, session: VaultSession) -> Metadata:
    try:
        upload = Upload(session, request.headers.get("content-type"), desk.settings.idle_s)
        metadata = await upload.receive(aiter(request.stream()))
    except ClientDisconnect:
        # Nobody is left to answer; leaving the session's block deletes what had come.
        raise ServiceProblem("upload_malformed", "The client went away.") from None
    if metadata.document != desk.verifier.document.name:
        raise ServiceProblem("metadata_invalid", f"This service verifies {desk.verifier.document.name}.")
    return metadata


def _answer(desk: Desk, verdict: Verdict, metadata: Metadata) -> dict[str, Any]:
    body = to_json(verdict) | {"reference": metadata.reference}
    return body | {"jws": sign(body, desk.keys, desk.settings.issuer)}
