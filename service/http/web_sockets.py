"""Adds what uvicorn's WebSockets lack: a smaller limit for messages of strangers, and memory that goes with them."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STRANGER_BYTES = 8 * 1024
"""Of a message, until the sender is known: a rule of `docs/stream.md`, whose `auth` has 200 bytes."""
_EXTENSION = "idproof.messages"
_MOST_FRAGMENTS = 64
"""Frames of one message. No client that is known splits its messages; an empty frame costs its sender six bytes, and
the limit of bytes does not count it. Chosen by hand."""
_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_CLOSE_S = 2.0
"""Seconds in which the other side answers our close frame. Chosen by hand; uvicorn's 10 would hold descriptors."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket whose messages have at most `STRANGER_BYTES` until the application says that it knows the sender.

    Attributes:
        on_known: called when the application says so.
        on_lost: called when the connection is over.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.close_timeout = _CLOSE_S
        self._known_bytes = self.config.ws_max_size
        self.conn.max_message_size = min(STRANGER_BYTES, self._known_bytes)
        self._lost = self._ended = False
        self.on_known: Callable[[], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing

    def handle_connect(self, event: Any) -> None:
        """Adds to the scope the function that allows messages of full size."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][_EXTENSION] = {"allow": self._allow}

    def handle_cont(self, event: Any) -> None:
        """Ends a connection that splits a message without end."""
        if self.close_sent:
            return
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.conn.fail(_POLICY_VIOLATION)
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    async def run_asgi(self) -> None:
        """Drops what is left of the connection when the application has ended, too."""
        try:
            await super().run_asgi()
        finally:
            self._ended = True
            self._release()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drops what is left of the connection; messages that wait are the application's until it ends."""
        super().connection_lost(exc)
        self._lost = True
        self.on_lost()
        self._release()

    def _allow(self) -> None:
        self.on_known()
        self.conn.max_message_size = self._known_bytes

    def _release(self) -> None:
        """Breaks the circles of references that would keep the last message until a garbage collection.

        The parser is a generator that refers to its own object and holds the bytes of the last frame.
        """
        self.frames = []
        if not (self._lost and (self._ended or not self.handshake_initiated)):
            return
        self.conn.parser.close()
        self.conn.reader.buffer.clear()
        self.queue = asyncio.Queue()
        self.on_known = self.on_lost = _nothing
        if hasattr(self, "scope"):
            self.scope["extensions"].pop(_EXTENSION, None)


def _nothing() -> None: ...


def allow_full_messages(scope: Scope) -> None:
    """Lets the sender of a WebSocket send messages of full size from here on; does nothing under another server."""
    allow: Callable[[], None] | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("allow")
    if allow is not None:
        allow()
