"""A device without a screen, which speaks `idproof.capture.v1` as a kiosk does, with any camera that it is given."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed

from idproof.pipeline.card.plan import order_of
from idproof.service.stream import chain
from idproof.service.stream.chain import LIVENESS, Chain, Shows
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.states import FINISH

_RECEIVE_TIMEOUT_S = 60.0  # longer than any verification; chosen by hand, no outside source
_MAX_PREVIEWS = 300  # per stage: half a minute at ten per second; chosen by hand, no outside source


class DeviceProblem(Exception):
    """The server refused.

    Attributes:
        code: of `docs/stream.md`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Camera(Protocol):
    """Camera of a device."""

    def begin(self, session: Mapping[str, Any]) -> None:
        """Prepare for what a session asks, as its message `session` says."""
        ...

    def preview(self, stage: str, count: int) -> bytes:
        """Returns a small JPEG; `count` is its number in the stage, from 0 on."""
        ...

    def lit(self, stage: str, light: Mapping[str, Any], at_ms: float) -> bytes:
        """Returns a small JPEG in the light of the device's screen.

        Args:
            stage: whose card is held.
            light: that the screen shows, as a message `light` has it.
            at_ms: from its first colour.
        """
        ...

    def still(self, stage: str) -> bytes:
        """Returns a JPEG of full resolution."""
        ...

    def answer(self, challenge: dict[str, Any]) -> list[tuple[float, int, bytes]]:
        """Returns frames that answer a challenge: milliseconds from its start, number, JPEG."""
        ...


@dataclass
class Device:
    """One connection of one device; made by `connect`.

    Attributes:
        waited_ms: time from sending a frame to its guidance, by this device's clock, in order.
        hints: received so far, in order.
        dropped: number of frames that the server dropped in the session.
    """

    socket: ClientConnection
    secret: bytes = field(repr=False)
    chain: Chain | None = None
    session: dict[str, Any] = field(default_factory=dict)
    waited_ms: list[float] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    dropped: int = 0
    _sent: dict[int, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @classmethod
    async def connect(cls, url: str, key: str) -> Self:
        """Connect and prove the key.

        Raises:
            DeviceProblem: the server refused, or could not prove that it knows the key.
        """
        _, device, secret = key.split("_", 2)
        raw, address = unbase64(secret), urlsplit(url)
        target = f"{'wss' if address.scheme in ('https', 'wss') else 'ws'}://{address.netloc}/v1/stream"
        socket = await open_websocket(target, subprotocols=[PROTOCOL], compression=None, proxy=None, max_size=2**20)  # type: ignore[list-item]
        self = cls(socket, raw)
        try:
            await self._prove(device)
        except DeviceProblem:
            await socket.close()
            raise
        return self

    async def _prove(self, device: str) -> None:
        hello, nonce = await self.receive("hello"), secrets.token_bytes(32)
        challenge = unbase64(hello["challenge"])
        proof = base64(chain.device_proof(self.secret, challenge, nonce))
        await self.send({"type": "auth", "device": device, "nonce": base64(nonce), "proof": proof})
        welcome = await self.receive("welcome")
        if not compare_digest(unbase64(welcome["proof"]), chain.server_proof(self.secret, challenge, nonce)):
            raise DeviceProblem("server_unknown")

    @property
    def clock_us(self) -> int:
        """Time by the clock of the frames, microseconds."""
        return round((time.monotonic() - self._began) * 1e6)

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        await self.socket.send(json.dumps(message))

    async def receive(self, *kinds: str) -> dict[str, Any]:
        """Returns the next message of these types, skipping others; raises `DeviceProblem` on an error."""
        while True:
            message = await self.next()
            if message["type"] in kinds:
                return message
            if message["type"] == "error":
                raise DeviceProblem(message["code"])

    async def next(self) -> dict[str, Any]:
        """Returns the next message; raises `DeviceProblem` when the connection ends."""
        try:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), _RECEIVE_TIMEOUT_S))
        except ConnectionClosed as closed:
            raise DeviceProblem(
                closed.rcvd.reason
                if closed.rcvd and closed.rcvd.reason
                else f"closed {closed.rcvd and closed.rcvd.code}"
            ) from None
        if message["type"] == "guidance":
            self.hints.append(message["hint"])
            self.dropped = message["dropped"]
            if (sent := self._sent.pop(message["seq"], None)) is not None:
                self.waited_ms.append((time.monotonic() - sent) * 1000)
        return message

    async def start(self, **more: Any) -> dict[str, Any]:
        """Start an applicant's session; returns the message `session`."""
        await self.send({"type": "start", "consent": True, **more})
        return self.adopt(await self.receive("session"))

    async def resume(self, session: dict[str, Any]) -> dict[str, Any]:
        """Resume a session after a lost connection; returns the message `session`."""
        await self.send({"type": "resume", "session": session["id"]})
        return self.adopt(await self.receive("session"))

    async def send_frame(
        self, shows: str, picture: bytes, *, still: bool, captured_ms: float | None = None, number: int = 0
    ) -> int:
        """Send one frame; returns its sequence number."""
        assert self.chain is not None  # noqa: S101 - a session was started
        sequence = self.chain.next
        at = (time.monotonic() - self._began) * 1000 if captured_ms is None else captured_ms
        packed = self.chain.pack(Shows(shows), still, number or sequence, max(0, round(at * 1000)), picture)
        self._sent[sequence] = time.monotonic()
        await self.socket.send(packed)
        return sequence

    def adopt(self, session: dict[str, Any]) -> dict[str, Any]:
        """Chain the next frames to the session that a message `session` describes; returns the message."""
        self.session = session
        nonce = unbase64(session["nonce"])
        self.chain = Chain(self.secret, nonce, session["next"], unbase64(session["chain"]))
        if session["capture_plan"] is not None and [role.value for role in order_of(nonce)] != session["stages"][:3]:
            raise DeviceProblem("order_unknown")
        return session


async def register(
    device: Device,
    camera: Camera,
    *,
    every_s: float = 0.1,
    on_message: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Play a whole session up to `verdict`, `step_up_decided` or `retry`; returns that message.

    Args:
        device: with a session that was started.
        camera: of the device.
        every_s: seconds from one preview to the next; 0 waits for each guidance instead.
        on_message: called with every message.

    Raises:
        DeviceProblem: the server refused; `not_taken`: a stage took no picture for too long.
    """
    await asyncio.to_thread(camera.begin, device.session)
    stage, count, want, light = device.session["stage"], 0, "preview", _Light()
    while stage != FINISH:
        if count >= _MAX_PREVIEWS:
            raise DeviceProblem("not_taken")
        if stage == LIVENESS:
            message = await _answer_challenge(device, camera)
        else:
            seen = light.seen(camera, stage) if want == "preview" else None
            picture = seen or (camera.still(stage) if want == "still" else camera.preview(stage, count))
            await device.send_frame(stage, picture, still=want == "still")
            message = await device.next()
            count += 1
            await asyncio.sleep(every_s)
        on_message(message)
        if message["type"] == "error":
            raise DeviceProblem(message["code"])
        light = await _show_light(device, message) or light
        if message["type"] == "guidance":
            want = message["want"]
            if want == "none":
                message = await device.receive("stage")
        if message["type"] == "stage":
            stage, count, want = message["stage"], 0, "preview"
    await device.send({"type": "finish"})
    return await device.receive("verdict", "step_up_decided", "retry")


@dataclass(frozen=True)
class _Light:
    """Colours that this device shows from now on."""

    shown: Mapping[str, Any] | None = None
    began: float = field(default_factory=time.monotonic)

    def seen(self, camera: Camera, stage: str) -> bytes | None:
        """Returns what the camera sees of the card in this light; None when it is over."""
        at_ms = (time.monotonic() - self.began) * 1000
        if self.shown is None or at_ms > self.shown["duration_ms"]:
            return None
        return camera.lit(stage, self.shown, at_ms)


async def _show_light(device: Device, message: Mapping[str, Any]) -> _Light | None:
    """Report that the colours of a message `light` are shown from now on; None for any other message."""
    if message["type"] != "light":
        return None
    await device.send({"type": "light_shown", "at_us": device.clock_us})
    return _Light(message["light"])


async def _answer_challenge(device: Device, camera: Camera) -> dict[str, Any]:
    await device.send({"type": "ready"})
    challenge = (await device.receive("challenge"))["challenge"]
    for captured_ms, number, picture in await asyncio.to_thread(camera.answer, challenge):
        await device.send_frame(LIVENESS, picture, still=True, captured_ms=captured_ms, number=number)
    return await device.receive("stage")
