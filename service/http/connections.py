"""Adds what uvicorn lacks: a time limit for the head of a request, and a problem for what is not HTTP."""

import asyncio
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

from idproof.service.http import problems
from idproof.service.http.request_ids import HEADER, new_request_id


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose clients must send the head of a request within `head_s` seconds of connecting.

    Between two requests of a connection, uvicorn's own limit (`timeout_keep_alive`) applies until the first byte of the
    second one, and `head_s` from there.

    Attributes:
        head_s: seconds. Chosen by hand: a head has few packets, and a slow client must not hold a connection.
    """

    head_s = 10.0

    def connection_made(self, transport: Any) -> None:
        """Starts the time limit when a client connects."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self.head_s, self._close)

    def data_received(self, data: bytes) -> None:
        """Ends the time limit when the head is complete; the body has limits of its own."""
        before: RequestResponseCycle | None = self.cycle
        super().data_received(data)
        now: RequestResponseCycle | None = self.cycle
        if now is not before or (now is not None and not now.response_complete):
            self._end_limit()
        elif self._timer is None and self.transport.get_protocol() is self:
            self._timer = self.loop.call_later(self.head_s, self._close)

    def send_400_response(self, msg: str) -> None:
        """Answers a request that is not HTTP, which no application sees, with the problem and the id that all have."""
        answer = problems.problem("request_invalid", msg, status=HTTPStatus.BAD_REQUEST)
        headers = [(b"connection", b"close"), (HEADER.lower().encode(), new_request_id().encode()), *answer.raw_headers]
        start = h11.Response(status_code=answer.status_code, headers=headers, reason=STATUS_PHRASES[answer.status_code])
        for event in (start, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Ends the time limit when the connection becomes a stream, which has limits of its own."""
        self._end_limit()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time limit when the client is gone."""
        self._end_limit()
        super().connection_lost(exc)

    def _end_limit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
