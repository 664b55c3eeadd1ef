"""The id of each request: in its answer, for the client to name it by, and in the log lines that belong to it."""

import secrets
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

HEADER = "Request-Id"
_ID_BYTES = 12  # 96 bits: no two requests get the same
_REFUSAL = "websocket.http.response"
"""ASGI's extension for answers to a WebSocket that is not accepted."""
_STARTS = ("http.response.start", "websocket.accept", f"{_REFUSAL}.start")


def new_request_id() -> str:
    """Returns an id. It is random, and never the client's own, since log lines hold it."""
    return f"req_{secrets.token_hex(_ID_BYTES)}"


class RequestIds:
    """Pure ASGI middleware, so that bodies stream through it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the header `Request-Id` to the answer, and the id to every log line meanwhile."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id, started = new_request_id(), False
        refuses = _REFUSAL in scope.get("extensions", {})

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "websocket.close" and not started and refuses:
                # The server would answer 403 itself, without the header.
                headers = [(HEADER.lower().encode(), request_id.encode()), (b"content-length", b"0")]
                await send({"type": f"{_REFUSAL}.start", "status": HTTPStatus.FORBIDDEN, "headers": headers})
                await send({"type": f"{_REFUSAL}.body", "body": b""})
                return
            if message["type"] in _STARTS:
                started = True
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_id)
