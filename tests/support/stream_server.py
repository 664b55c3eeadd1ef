"""A real stream server without networks: guidance finds what a test says, and the verification does what it says."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import pytest
from device_sessions import FakeGuide
from fakes import FakeVerifier, serving
from playwright.sync_api import Page

from idproof.pipeline import Limits, Policy, Role, Vault
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.server import WEBSOCKET_OPTIONS
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream import routes
from idproof.service.stream.simulator.device import Device

Result = TypeVar("Result")
JPEG = b"\xff\xd8" + bytes(50)


class StreamVerifier(FakeVerifier):
    """A verifier whose vault opens sessions of any length, as streams ask for."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        super().__init__(act)
        self.vault = Vault(Limits())
        self.policy = Policy()


class BlankCamera:
    """Camera whose pictures have no content: the guide does not look at them."""

    def begin(self, session: Mapping[str, Any]) -> None:
        pass

    def preview(self, stage: str, count: int) -> bytes:
        return JPEG

    def lit(self, stage: str, light: Mapping[str, Any], at_ms: float) -> bytes:
        return JPEG

    def still(self, stage: str) -> bytes:
        return JPEG

    def answer(self, challenge: dict[str, Any]) -> list[tuple[float, int, bytes]]:
        return [(float(at), number, JPEG) for number, at in enumerate(range(0, challenge["duration_ms"], 50))]


@contextmanager
def stream_server(
    settings: Settings,
    verifier: StreamVerifier,
    monkeypatch: pytest.MonkeyPatch,
    guide: FakeGuide | None = None,
    port: int = 0,
) -> Iterator[str]:
    """Serves on this port, or on a free one; yields the URL."""
    monkeypatch.setattr(routes, "_open_guide", lambda _: guide or FakeGuide())
    with serving(settings, verifier, http=BoundedProtocol, port=port, **WEBSOCKET_OPTIONS) as (host, taken):
        yield f"http://{host}:{taken}"


def enroll(folder: Path, name: str = "Counter 3") -> str:
    """Returns the key of a new device."""
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, _ = open_verdicts_and_audit(folder)
    return Kiosks(store.database, store.seal).enroll(name)


def show_blank(made: Page) -> None:
    """Lets the camera of a kiosk's page see nothing in particular, whatever the page asks for."""
    picture = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    coded = base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()
    made.evaluate("all => window.rehearse(all)", {name: [coded] for name in (*Role, "neutral")})


def with_device(url: str, key: str, act: Callable[[Device], Coroutine[Any, Any, Result]]) -> Result:
    """Lets one device act, and closes it however that ends."""

    async def run() -> Result:
        device = await Device.connect(url, key)
        try:
            return await act(device)
        finally:
            await device.socket.close()

    return asyncio.run(run())


async def capture_everything(device: Device, until: str = "finish") -> None:
    """Play a started session up to a stage without sending what follows it."""
    stage, camera = device.session["stage"], BlankCamera()
    while stage != until:
        if stage == "liveness":
            await device.send({"type": "ready"})
            challenge = (await device.receive("challenge"))["challenge"]
            for at, number, picture in camera.answer(challenge):
                await device.send_frame(stage, picture, still=True, captured_ms=at, number=number)
            stage = (await device.receive("stage"))["stage"]
        else:
            for _ in range(2):
                await device.send_frame(stage, JPEG, still=True)
                await device.receive("guidance")
            stage = (await device.receive("stage"))["stage"]
