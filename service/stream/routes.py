"""Routes `/v1/stream` for devices and `/v1/kiosks` for their operators."""

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import anyio
from fastapi import Depends, FastAPI
from starlette.websockets import WebSocket

from idproof.models.profiles import load_detector
from idproof.pipeline.guidance import Guide
from idproof.service.auth import AccessControl, Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http import openapi, problems
from idproof.service.http.passkey_routes import open_registrations
from idproof.service.http.step_up_routes import open_step_ups
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.step_up.intake import StepUpIntake
from idproof.service.storage.kiosks import Kiosk, Kiosks
from idproof.service.stream.admission import Admission
from idproof.service.stream.channel import Channel
from idproof.service.stream.codes import CLOSES, PROTOCOL
from idproof.service.stream.connection import serve
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.scheduler import FrameScheduler
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.suspended import SuspendedSessions

_COUNTS = ("started", "finished", "first_try", "retries", "cancelled", "lapsed", "accept", "refer", "reject")


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> StreamRuntime:
    """Add the routes to the application."""
    kiosks = Kiosks(intake.store.database, intake.store.seal)
    suspended = SuspendedSessions(intake.settings.stream_grace_s)
    scheduler = FrameScheduler(intake.settings.stream_threads)
    admission = Admission(intake.settings.streams, intake.settings.streams_per_address)
    guide = lru_cache(lambda: _open_guide(intake))
    passkeys = open_registrations(intake, PasskeyRules.of(intake.settings))
    step_ups = open_step_ups(intake)
    receiver = None if step_ups is None else StepUpIntake(intake, step_ups)
    runtime = StreamRuntime(intake, gate, kiosks, guide, suspended, scheduler, admission, passkeys, receiver)
    jobs: set[asyncio.Task[None]] = set()

    def count_lapse(kiosk: str, session: DeviceSession) -> None:
        job = asyncio.ensure_future(runtime.count(kiosk, session, "lapsed"))
        jobs.add(job)
        job.add_done_callback(jobs.discard)

    suspended.on_lapse = count_lapse
    _stream_route(app, runtime)
    _operators_route(app, runtime)
    return runtime


def _open_guide(intake: RegistrationIntake) -> Guide:
    verifier = intake.verifier
    # Without a detector of its own, the verifier examines pictures in other processes.
    detector = verifier.face_detector or load_detector(intake.settings.profile)
    return Guide.open(verifier.document, detector)


def _stream_route(app: FastAPI, runtime: StreamRuntime) -> None:
    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        """A device's connection, `idproof.capture.v1`."""
        try:
            with runtime.admission.connection(socket.client.host if socket.client is not None else ""):
                await _serve(runtime, socket)
        except ServiceProblem as full:
            await socket.send_denial_response(problems.problem(full.code, full.sentence))


async def _serve(runtime: StreamRuntime, socket: WebSocket) -> None:
    spoken = PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None
    await socket.accept(spoken)
    if spoken is None:
        await socket.close(CLOSES["subprotocol_missing"], "subprotocol_missing")
        return
    await serve(runtime, Channel(socket, runtime.intake.metrics))


def _operators_route(app: FastAPI, runtime: StreamRuntime) -> None:
    needed = [Depends(runtime.gate.needs(Scope.ADMIN))]

    @app.get("/v1/kiosks", dependencies=needed, responses=openapi.KIOSK_RESPONSES)
    async def kiosks() -> dict[str, Any]:
        """Devices that stream: what they do now, and how often what happened; no pictures, nothing about a person."""
        entries = await anyio.to_thread.run_sync(runtime.kiosks.entries)
        counts = await anyio.to_thread.run_sync(runtime.kiosks.counts)
        used, of = runtime.intake.slots.used, runtime.intake.slots.total
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "places": {"used": used, "of": of},
            "waiting": max(0, used - runtime.intake.settings.concurrency),
            "devices": [_described(entry, counts.get(entry.id, {})) for entry in entries if entry.revoked_at is None],
        }


def _described(entry: Kiosk, counts: dict[str, int]) -> dict[str, Any]:
    hints: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        if name.startswith("hint:"):
            _, hint, measure = name.split(":")
            hints.setdefault(hint, {})[measure] = count
    return {
        "device": entry.id,
        "name": entry.name,
        "state": entry.state,
        "staff_called": entry.staff_at,
        "last_seen": entry.seen_at,
        **{name: counts.get(name, 0) for name in _COUNTS},
        "hints": hints,
    }
