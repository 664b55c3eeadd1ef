"""Route `/v1/stream` for devices."""

import asyncio
from functools import lru_cache

from fastapi import FastAPI
from starlette.websockets import WebSocket

from idproof.models.profiles import load_detector
from idproof.pipeline.guidance import Guide
from idproof.service.auth import AccessControl
from idproof.service.errors import ServiceProblem
from idproof.service.http import problems
from idproof.service.http.passkey_routes import open_registrations
from idproof.service.http.step_up_routes import open_step_ups
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.step_up.intake import StepUpIntake
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream import operators
from idproof.service.stream.admission import Admission
from idproof.service.stream.channel import Channel
from idproof.service.stream.codes import CLOSES, PROTOCOL
from idproof.service.stream.connection import serve
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.scheduler import FrameScheduler
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.suspended import SuspendedSessions
from idproof.service.stream.token_devices import end


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
    runtime = StreamRuntime(
        intake, gate, kiosks, intake.capture_tokens, guide, suspended, scheduler, admission, passkeys, receiver
    )
    jobs: set[asyncio.Task[None]] = set()

    def count_lapse(kiosk: str, session: DeviceSession) -> None:
        for work in (runtime.count(kiosk, session, "lapsed"), end(runtime, session.parameters.token, session)):
            job = asyncio.ensure_future(work)
            jobs.add(job)
            job.add_done_callback(jobs.discard)

    suspended.on_lapse = count_lapse
    _stream_route(app, runtime)
    operators.install(app, runtime)
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
    await serve(runtime, Channel(socket, runtime.intake.metrics, runtime.intake.settings.tls_by_proxy))
