"""A page without a browser, which captures with a capture token, as the web component does."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as open_websocket

from idproof.service.stream import chain
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.simulator.device import Device, DeviceProblem


@dataclass
class PageDevice(Device):
    """One connection of a page; `secret` is the key that followed from its first handshake.

    Attributes:
        welcome: the server's answer to the handshake.
    """

    welcome: dict[str, Any] | None = None

    @classmethod
    async def open(cls, url: str, token: str, origin: str | None, bound: bytes | None = None) -> Self:
        """Connects with a token; `bound` is the key of an earlier connection of the same page."""
        _, name, secret = token.split("_", 2)
        target = f"ws://{urlsplit(url).netloc}/v1/stream"
        socket = await open_websocket(
            target,
            origin=origin,  # type: ignore[arg-type]
            subprotocols=[PROTOCOL],  # type: ignore[list-item]
            compression=None,
            proxy=None,
            max_size=2**20,
        )
        self = cls(socket, unbase64(secret))
        try:
            await self._prove_token(name, bound)
        except DeviceProblem:
            await socket.close()
            raise
        return self

    async def _prove_token(self, name: str, bound: bytes | None) -> None:
        hello, nonce = await self.receive("hello"), secrets.token_bytes(32)
        challenge = unbase64(hello["challenge"])
        fresh = chain.bound_key(self.secret, hashlib.sha256(nonce + challenge).digest())
        auth = {"type": "auth_token", "token": name, "nonce": base64(nonce)}
        auth["proof"] = base64(chain.device_proof(self.secret, challenge, nonce))
        if bound is not None:
            auth["bound"] = base64(chain.device_proof(bound, challenge, nonce))
        await self.send(auth)
        self.welcome = await self.receive("welcome")
        (self.secret,) = [
            key
            for key in (bound, fresh)
            if key is not None and base64(chain.server_proof(key, challenge, nonce)) == self.welcome["proof"]
        ]


async def opened(url: str, token: str, origin: str | None, bound: bytes | None = None) -> PageDevice:
    """Returns a connection of a page; one before it that was cut may hold its lease for a moment."""
    for _ in range(50):
        try:
            return await PageDevice.open(url, token, origin, bound)
        except DeviceProblem as problem:
            if problem.code != "device_connected":
                raise
            await asyncio.sleep(0.1)
    raise AssertionError("the connection before was never released")
