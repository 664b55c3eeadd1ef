"""Adds what uvicorn lacks: limits of time and number for connections, and a problem for what is not HTTP."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import h11
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

from idproof.service.http import problems
from idproof.service.http.connection_limit import ConnectionLimit, Phase, limit_of
from idproof.service.http.request_ids import HEADER, new_request_id
from idproof.service.http.web_sockets import BoundedWebSocket

_EXTENSION = "idproof.connection"
_NOBODY = ("", 0)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose clients must send the head of a request within `head_s` seconds of connecting.

    Between two requests of a connection, uvicorn's own limit (`timeout_keep_alive`) applies until the first byte of the
    second one, and `head_s` from there. `connection_limit` bounds the number of connections.

    Attributes:
        head_s: seconds. Chosen by hand: a head has few packets, and a slow client must not hold a connection.
        read_s: seconds for which a client may leave what was sent to it unread; then its connection ends. Chosen by
            hand: the system's buffers hold most answers, and a picture of a page takes a second.
    """

    head_s = 10.0
    read_s = 20.0

    def connection_made(self, transport: Any) -> None:
        """Starts the time limit when a client connects; ends the connection if there are too many."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self.head_s, self._close)
        self._unread: asyncio.TimerHandle | None = None
        self._limit: ConnectionLimit = limit_of(self.server_state)
        if not self._limit.add(self, (self.client or _NOBODY)[0]):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Ends the time limit when the head is complete; the body has limits of its own."""
        before: RequestResponseCycle | None = self.cycle
        super().data_received(data)
        now: RequestResponseCycle | None = self.cycle
        if now is not before or (now is not None and not now.response_complete):
            self._end_limit()
        elif self._timer is None and self.transport.get_protocol() is self:
            self._timer = self.loop.call_later(self.head_s, self._close)

    def handle_events(self) -> None:
        """Notes the beginning of a request, whose application can say that its client is known."""
        before: RequestResponseCycle | None = self.cycle
        super().handle_events()
        now: RequestResponseCycle | None = self.cycle
        if now is not None and now is not before and not now.response_complete:
            self._limit.change(self, Phase.STRANGER)
            now.scope.setdefault("extensions", {})[_EXTENSION] = {"keep": self._keep}

    def on_response_complete(self) -> None:
        """Notes that the connection is idle, until its next request begins."""
        self._limit.change(self, Phase.IDLE)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Starts the time limit of a client that does not read its answer."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.read_s, self.give_way)

    def resume_writing(self) -> None:
        """Ends the time limit: the client has read most of what was sent."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def give_way(self) -> None:
        """Ends the connection at once, without what was not sent yet."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answers a request that is not HTTP, which no application sees, with the problem and the id that all have."""
        answer = problems.problem("request_invalid", msg, status=HTTPStatus.BAD_REQUEST)
        headers = [(b"connection", b"close"), (HEADER.lower().encode(), new_request_id().encode()), *answer.raw_headers]
        start = h11.Response(status_code=answer.status_code, headers=headers, reason=STATUS_PHRASES[answer.status_code])
        for event in (start, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hands the connection over to a stream, which has time limits of its own and keeps the place."""
        self._end_limit()
        super().handle_websocket_upgrade(event)
        stream = self.transport.get_protocol()
        if isinstance(stream, BoundedWebSocket):
            self._limit.change(self, Phase.STRANGER)
            stream.on_known, stream.on_lost = self._keep, lambda: self._limit.remove(self)
        else:
            self._limit.remove(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the limits when the client is gone."""
        self._end_limit()
        self._limit.remove(self)
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def _keep(self) -> None:
        self._limit.change(self, Phase.KNOWN)

    def _end_limit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def keep_connection(scope: Scope) -> None:
    """Keeps a request's connection whoever else connects: its client is known. Does nothing under another server."""
    keep: Callable[[], None] | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("keep")
    if keep is not None:
        keep()
