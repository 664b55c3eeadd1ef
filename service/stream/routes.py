"""`/v1/stream` for devices, and `/v1/kiosks` for their operators."""

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import anyio
from fastapi import Depends, FastAPI
from starlette.websockets import WebSocket

from idproof.models.profiles import load_detector
from idproof.pipeline.guidance import Guide
from idproof.service.auth import Gate, Scope
from idproof.service.http import openapi
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage.kiosks import Kiosk, Kiosks
from idproof.service.stream.codes import CLOSES, PROTOCOL
from idproof.service.stream.connection import Connection
from idproof.service.stream.runtime import Floor
from idproof.service.stream.scheduler import Line
from idproof.service.stream.session import Turn
from idproof.service.stream.suspended import Rooms

_COUNTS = ("started", "finished", "first_try", "retries", "cancelled", "lapsed", "accept", "refer", "reject")


def install(app: FastAPI, intake: RegistrationIntake, gate: Gate) -> Floor:
    """Add them to the application."""
    kiosks = Kiosks(intake.store.database, intake.store.seal)
    rooms, line = Rooms(intake.settings.stream_grace_s), Line(intake.settings.stream_threads)
    floor = Floor(intake, gate, kiosks, lru_cache(lambda: _guide(intake)), rooms, line)
    jobs: set[asyncio.Task[None]] = set()

    def lapsed(kiosk: str, turn: Turn) -> None:
        job = asyncio.ensure_future(floor.count(kiosk, turn, "lapsed"))
        jobs.add(job)
        job.add_done_callback(jobs.discard)

    rooms.lapsed = lapsed
    _stream_route(app, floor)
    _operators_route(app, floor)
    return floor


def _guide(intake: RegistrationIntake) -> Guide:
    verifier = intake.verifier
    detector = verifier.face_detector or load_detector(intake.settings.profile)  # None: pictures are examined elsewhere
    return Guide.open(verifier.document, detector)


def _stream_route(app: FastAPI, floor: Floor) -> None:
    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        """A device's connection, `idproof.capture.v1`."""
        if not _same_origin(socket):
            await socket.close()  # before it was accepted: 403
            return
        spoken = PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None
        await socket.accept(spoken)
        if spoken is None:
            await socket.close(CLOSES["subprotocol_missing"], "subprotocol_missing")
            return
        await Connection(floor, socket).run()


def _same_origin(socket: WebSocket) -> bool:
    """Whether a browser's page, if it is one that calls, came from this very service."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


def _operators_route(app: FastAPI, floor: Floor) -> None:
    needed = [Depends(floor.gate.needs(Scope.ADMIN))]

    @app.get("/v1/kiosks", dependencies=needed, responses=openapi.KIOSK_ANSWERS)
    async def kiosks() -> dict[str, Any]:
        """Devices that stream: what they do now, and how often what happened; no pictures, nothing about a person."""
        entries = await anyio.to_thread.run_sync(floor.kiosks.entries)
        counts = await anyio.to_thread.run_sync(floor.kiosks.counts)
        used, of = floor.intake.slots_used, floor.intake.slots_total
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "places": {"used": used, "of": of},
            "waiting": max(0, used - floor.intake.settings.concurrency),
            "devices": [_told(entry, counts.get(entry.id, {})) for entry in entries if entry.revoked_at is None],
        }


def _told(entry: Kiosk, counts: dict[str, int]) -> dict[str, Any]:
    hints: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        if name.startswith("hint:"):
            _, hint, what = name.split(":")
            hints.setdefault(hint, {})[what] = count
    return {
        "device": entry.id,
        "name": entry.name,
        "state": entry.state,
        "staff_called": entry.staff_at,
        "last_seen": entry.seen_at,
        **{name: counts.get(name, 0) for name in _COUNTS},
        "hints": hints,
    }
