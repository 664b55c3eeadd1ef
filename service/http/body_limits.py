"""Bound on the bodies of requests, all but captures: they are read whole before their client is known."""

from collections.abc import AsyncIterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.http import problems
from idproof.service.http.draining import drain

MAX_BODY_BYTES = 512 * 1024
"""Chosen by hand: twice the longest event that the sandbox's core takes. Any other body has less than 1 KiB."""
_STREAMED = ("POST", "/v1/verifications")
_DRAIN_BYTES = 16 * 1024 * 1024  # as of any refused body without a client. Chosen by hand.


class BoundedBodies:
    """Pure ASGI middleware. `/v1/verifications` reads its own body piece by piece and has limits of its own.

    The framework reads a JSON body into memory before it asks who sent it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads the body and passes it on in one piece; answers a larger one with `upload_too_large`."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) == _STREAMED:
            await self._app(scope, receive, send)
            return
        body, message = bytearray(), await receive()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                await drain(_rest(message, receive), _DRAIN_BYTES)
                sentence = f"The body is larger than {MAX_BODY_BYTES} bytes."
                await problems.problem("upload_too_large", sentence)(scope, receive, send)
                return
            if not message.get("more_body", False):
                message = {"type": "http.request", "body": bytes(body), "more_body": False}
                break
            message = await receive()
        first: list[Message] = [message]

        async def receive_again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, receive_again, send)


async def _rest(message: Message, receive: Receive) -> AsyncIterator[bytes]:
    while message.get("more_body", False):
        message = await receive()
        yield message.get("body", b"")
