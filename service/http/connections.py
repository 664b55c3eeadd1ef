"""Bounds on a connection before there is a request: uvicorn has none on how slowly one may begin."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose clients must have sent a request's head within `head_s` seconds of connecting.

    Between requests of one connection uvicorn's own limit (`timeout_keep_alive`) holds until the first byte of the
    next one; from there this one does.
    """

    head_s = 10.0

    def connection_made(self, transport: Any) -> None:
        """A client came: the clock runs."""
        super().connection_made(transport)
        self._late: asyncio.TimerHandle | None = self.loop.call_later(self.head_s, self._drop)

    def data_received(self, data: bytes) -> None:
        """Bytes came: once they make a request, its body has limits of its own."""
        before: RequestResponseCycle | None = self.cycle
        super().data_received(data)
        now: RequestResponseCycle | None = self.cycle
        if now is not before or (now is not None and not now.response_complete):
            self._stop()
        elif self._late is None and self.transport.get_protocol() is self:
            self._late = self.loop.call_later(self.head_s, self._drop)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The connection is a stream from here on, which has limits of its own."""
        self._stop()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop()
        super().connection_lost(exc)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _drop(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()
