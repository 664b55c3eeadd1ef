"""A device without a screen: speaks `idproof.capture.v1` as a kiosk does, with whatever camera it is given."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from idproof.service.stream import chain
from idproof.service.stream.chain import LIVENESS, Chain, Shows
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.states import FINISH

_PATIENCE_S = 60.0
_MOST_PREVIEWS = 300  # of a stage, half a minute at ten a second: then nobody would stand there still


class DeviceProblem(Exception):
    """The server refused.

    Attributes:
        code: of `docs/stream.md`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Camera(Protocol):
    """What a device points at the applicant."""

    def preview(self, stage: str, count: int) -> bytes:
        """A small JPEG for a stage, the first of which has the count 0."""
        ...

    def still(self, stage: str) -> bytes:
        """A JPEG of full resolution."""
        ...

    def answer(self, challenge: dict[str, Any]) -> list[tuple[float, int, bytes]]:
        """Frames that answer a challenge: milliseconds from its start, number, JPEG."""
        ...


@dataclass
class Device:
    """One connection of one device; use `opened`.

    Attributes:
        waited_ms: of each guidance, by this device's clock, from sending the frame.
        heard: each hint, in order.
    """

    socket: ClientConnection
    secret: bytes = field(repr=False)
    chain: Chain | None = None
    session: dict[str, Any] = field(default_factory=dict)
    waited_ms: list[float] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    dropped: int = 0
    _sent: dict[int, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @classmethod
    async def opened(cls, url: str, key: str) -> Self:
        """Connect and prove the key; raises `DeviceProblem` when the server does not want it, or is not ours."""
        _, device, secret = key.split("_", 2)
        raw, address = unbase64(secret), urlsplit(url)
        target = f"{'wss' if address.scheme in ('https', 'wss') else 'ws'}://{address.netloc}/v1/stream"
        socket = await connect(target, subprotocols=[PROTOCOL], compression=None, proxy=None, max_size=2**20)  # type: ignore[list-item]
        self = cls(socket, raw)
        try:
            await self._prove(device)
        except DeviceProblem:
            await socket.close()
            raise
        return self

    async def _prove(self, device: str) -> None:
        hello, nonce = await self.hear("hello"), secrets.token_bytes(32)
        challenge = unbase64(hello["challenge"])
        proof = base64(chain.device_proof(self.secret, challenge, nonce))
        await self.say({"type": "auth", "device": device, "nonce": base64(nonce), "proof": proof})
        welcome = await self.hear("welcome")
        if not compare_digest(unbase64(welcome["proof"]), chain.server_proof(self.secret, challenge, nonce)):
            raise DeviceProblem("server_unknown")

    async def say(self, message: dict[str, Any]) -> None:
        """One message."""
        await self.socket.send(json.dumps(message))

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; guidance on the way is noted. Raises `DeviceProblem` on an error."""
        while True:
            message = await self.next()
            if message["type"] in kinds:
                return message
            if message["type"] == "error":
                raise DeviceProblem(message["code"])

    async def next(self) -> dict[str, Any]:
        """The next message; raises `DeviceProblem` when the connection ends."""
        try:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), _PATIENCE_S))
        except ConnectionClosed as closed:
            raise DeviceProblem(
                closed.rcvd.reason
                if closed.rcvd and closed.rcvd.reason
                else f"closed {closed.rcvd and closed.rcvd.code}"
            ) from None
        if message["type"] == "guidance":
            self.heard.append(message["hint"])
            self.dropped = message["dropped"]
            if (sent := self._sent.pop(message["seq"], None)) is not None:
                self.waited_ms.append((time.monotonic() - sent) * 1000)
        return message

    async def start(self, **more: Any) -> dict[str, Any]:
        """An applicant's turn begins."""
        await self.say({"type": "start", "consent": True, **more})
        return self.known(await self.hear("session"))

    async def resume(self, session: dict[str, Any]) -> dict[str, Any]:
        """It goes on after a cut."""
        await self.say({"type": "resume", "session": session["id"]})
        return self.known(await self.hear("session"))

    async def send(
        self, shows: str, picture: bytes, *, still: bool, captured_ms: float | None = None, number: int = 0
    ) -> int:
        """One frame; gives its sequence number."""
        assert self.chain is not None  # noqa: S101 - a session was started
        sequence = self.chain.next
        at = (time.monotonic() - self._began) * 1000 if captured_ms is None else captured_ms
        packed = self.chain.pack(Shows(shows), still, number or sequence, max(0, round(at * 1000)), picture)
        self._sent[sequence] = time.monotonic()
        await self.socket.send(packed)
        return sequence

    def known(self, session: dict[str, Any]) -> dict[str, Any]:
        """A message `session`: frames follow on it from here."""
        self.session = session
        nonce = unbase64(session["nonce"])
        self.chain = Chain(self.secret, nonce, session["next"], unbase64(session["chain"]))
        if list(chain.order_of(nonce)) != session["stages"][:3]:
            raise DeviceProblem("order_unknown")
        return session


async def register(
    device: Device, camera: Camera, *, every_s: float = 0.1, told: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """A whole turn, from `start` to `verdict` (or `retry`); the last message.

    Args:
        device: with a session that was started.
        camera: what it sees. A stage that takes no picture of it for long raises `DeviceProblem` `not_taken`.
        every_s: from one preview to the next; 0 waits for each guidance instead.
        told: is shown every message.
    """
    stage, count, want = device.session["stage"], 0, "preview"
    while stage != FINISH:
        if count >= _MOST_PREVIEWS:
            raise DeviceProblem("not_taken")
        if stage == LIVENESS:
            message = await _live(device, camera)
        else:
            picture = camera.still(stage) if want == "still" else camera.preview(stage, count)
            await device.send(stage, picture, still=want == "still")
            message = await device.next()
            count += 1
            await asyncio.sleep(every_s)
        told(message)
        if message["type"] == "error":
            raise DeviceProblem(message["code"])
        if message["type"] == "guidance":
            want = message["want"]
            if want == "none":
                message = await device.hear("stage")
        if message["type"] == "stage":
            stage, count, want = message["stage"], 0, "preview"
    await device.say({"type": "finish"})
    return await device.hear("verdict", "retry")


async def _live(device: Device, camera: Camera) -> dict[str, Any]:
    await device.say({"type": "ready"})
    challenge = (await device.hear("challenge"))["challenge"]
    for captured_ms, number, picture in await asyncio.to_thread(camera.answer, challenge):
        await device.send(LIVENESS, picture, still=True, captured_ms=captured_ms, number=number)
    return await device.hear("stage")
