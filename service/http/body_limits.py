"""Bound on the bodies of requests, all but captures: they are read whole before their client is known."""

import re
from collections.abc import AsyncIterator

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.http import problems
from idproof.service.http.draining import drain

MAX_BODY_BYTES = 16 * 1024
"""Chosen by hand: any such body has less than 1 KiB, and every connection may have one before its sender is known."""
MAX_SANDBOX_BYTES = 512 * 1024
"""In the sandbox, whose mocked core takes events. Chosen by hand: twice the longest one."""
MAX_RESPONSE_BYTES = 96 * 1024
"""Of a wallet's response with a credential, at an address that only its wallet knows. Chosen by hand: the longest
response (64 KiB) as a form."""
BODY_S = 15.0
"""Seconds within which such a body arrives as a whole. Chosen by hand; no outside source."""
_UPLOADS = re.compile(r"/v1/verifications|/v1/step-ups/[^/]+/captures")
_RESPONSES = re.compile(r"/v1/presentation-requests/[^/]+/response")
_DRAIN_BYTES = 16 * 1024 * 1024  # as of any refused body without a client. Chosen by hand.


def takes_captures(method: str, path: str) -> bool:
    """Returns True for a request whose body holds captures: it is read piece by piece, under limits of its own."""
    return method == "POST" and _UPLOADS.fullmatch(path) is not None


class BoundedBodies:
    """Pure ASGI middleware. A request with captures reads its own body piece by piece and has limits of its own.

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
        if scope["type"] != "http" or takes_captures(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        most = MAX_RESPONSE_BYTES if _RESPONSES.fullmatch(scope["path"]) else 0
        most = max(most, self._max_bytes)
        with anyio.move_on_after(BODY_S) as time_limit:
            message, size = await self._read(receive, most)
        if time_limit.cancelled_caught:
            sentence = f"The body did not arrive within {BODY_S:.0f} seconds."
            await problems.problem("request_slow", sentence, headers={"Connection": "close"})(scope, receive, send)
            return
        if size > most:
            await drain(_rest(message, receive), _DRAIN_BYTES)
            sentence = f"The body is larger than {most} bytes."
            await problems.problem("upload_too_large", sentence)(scope, receive, send)
            return
        first: list[Message] = [message]

        async def receive_again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, receive_again, send)

    async def _read(self, receive: Receive, most: int) -> tuple[Message, int]:
        """Returns one message with the body, or the last message that was read, and the bytes that were read."""
        body, message = bytearray(), await receive()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > most:
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
