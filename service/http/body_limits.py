"""Bound on the bodies of requests, all but captures: they are read whole before their client is known."""

from collections.abc import AsyncIterator

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.http import problems
from idproof.service.http.draining import drain

MAX_BODY_BYTES = 16 * 1024
"""Chosen by hand: any such body has less than 1 KiB, and every connection may have one before its sender is known."""
MAX_SANDBOX_BYTES = 512 * 1024
"""In the sandbox, whose mocked core takes events. Chosen by hand: twice the longest one."""
BODY_S = 15.0
"""Seconds within which such a body arrives as a whole. Chosen by hand; no outside source."""
_STREAMED = ("POST", "/v1/verifications")
_DRAIN_BYTES = 16 * 1024 * 1024  # as of any refused body without a client. Chosen by hand.


class BoundedBodies:
    """Pure ASGI middleware. `/v1/verifications` reads its own body piece by piece and has limits of its own.

    The framework reads a JSON body into memory before it asks who sent it.

    Args:
        app: the application.
        max_bytes: of a body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads the body and passes it on in one piece; answers another with `upload_too_large` or `request_slow`."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) == _STREAMED:
            await self._app(scope, receive, send)
            return
        with anyio.move_on_after(BODY_S) as time_limit:
            message, size = await self._read(receive)
        if time_limit.cancelled_caught:
            sentence = f"The body did not arrive within {BODY_S:.0f} seconds."
            await problems.problem("request_slow", sentence, headers={"Connection": "close"})(scope, receive, send)
            return
        if size > self._max_bytes:
            await drain(_rest(message, receive), _DRAIN_BYTES)
            sentence = f"The body is larger than {self._max_bytes} bytes."
            await problems.problem("upload_too_large", sentence)(scope, receive, send)
            return
        first: list[Message] = [message]

        async def receive_again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, receive_again, send)

    async def _read(self, receive: Receive) -> tuple[Message, int]:
        """Returns one message with the body, or the last message that was read, and the bytes that were read."""
        body, message = bytearray(), await receive()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                break
            if not message.get("more_body", False):
                message = {"type": "http.request", "body": bytes(body), "more_body": False}
                break
            message = await receive()
        return message, len(body)


async def _rest(message: Message, receive: Receive) -> AsyncIterator[bytes]:
    while message.get("more_body", False):
        message = await receive()
        yield message.get("body", b"")
