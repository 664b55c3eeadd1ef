"""Messages over one WebSocket, and the report of an error that ends it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from idproof.pipeline.errors import IdproofError
from idproof.service.http.origins import FROM_OTHER_ORIGIN
from idproof.service.http.web_sockets import allow_full_messages
from idproof.service.operations.metrics import Metrics
from idproof.service.stream import replies
from idproof.service.stream.codes import CLOSES, STAYS

_INTERNAL = "internal"
_ABNORMAL_CLOSURE = 1006  # RFC 6455, section 7.4.1: the connection was lost without a close frame

log = structlog.get_logger("idproof")


@dataclass
class Channel:
    """Sends and receives messages of one WebSocket that was accepted.

    Args:
        socket: that was accepted.
        metrics: of the service.
        tls_by_proxy: a proxy ends TLS, and devices reach this service by https.
    """

    socket: WebSocket
    metrics: Metrics
    tls_by_proxy: bool = False
    _sending: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def host(self) -> str:
        """Address of the device; empty if it is not known."""
        return self.socket.client.host if self.socket.client is not None else ""

    @property
    def origin(self) -> str | None:
        """Origin of the device's page; None for a program."""
        return self.socket.headers.get("origin")

    @property
    def from_other_origin(self) -> bool:
        """True for a page of another origin than the service's own, which the operator lets capture with tokens."""
        return bool(self.socket.scope.get(FROM_OTHER_ORIGIN))

    @property
    def address(self) -> str:
        """Origin of this service, as the device reaches it."""
        secure = self.tls_by_proxy or self.socket.url.scheme == "wss"  # not each proxy that ends TLS says so
        scheme = "https" if secure else "http"
        return f"{scheme}://{self.socket.headers.get('host', '')}"

    def allow_full_messages(self) -> None:
        """Lets the device send pictures: it has proved who it is."""
        allow_full_messages(self.socket.scope)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send one message, if the device is still connected."""
        async with self._sending:
            if self.socket.application_state is WebSocketState.CONNECTED:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await self.socket.send_json(dict(message))

    async def receive(self) -> str | bytes:
        """Returns the next message; raises `WebSocketDisconnect` when the connection ends."""
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or _ABNORMAL_CLOSURE)
        text = message.get("text")
        return cast("str | bytes", text if text is not None else message["bytes"])

    async def complain(self, error: IdproofError, session: str | None, sequence: int | None = None) -> None:
        """Report an error after which the connection goes on.

        Args:
            error: what happened.
            session: id of the session that it belongs to, if it belongs to one.
            sequence: of the frame that it is about, if it is about one.
        """
        wait = getattr(error, "retry_after", None)
        message = replies.error(code_of(error), error.sentence, fatal=False, sequence=sequence, retry_after=wait)
        await self.send(message | {"session": session})

    @asynccontextmanager
    async def closed_on_error(self) -> AsyncIterator[None]:
        """Close the connection on any error in the block, with its code; swallow the error."""
        try:
            yield
        except* WebSocketDisconnect:
            pass
        except* IdproofError as group:
            # No name for the error: its traceback refers to this frame, and the circle would keep the connection.
            await self._refuse(*_told(group))
        except* Exception as group:  # noqa: BLE001 - a device learns nothing of an unexpected error
            log.error("unexpected", kind=type(_first(group)).__name__)  # noqa: TRY400 - no traceback
            await self._refuse(_INTERNAL, "")

    async def _refuse(self, code: str, sentence: str) -> None:
        if code.startswith("frame_"):
            self.metrics.count_unguided_frame(code)
        log.info("stream refused", code=code)
        sentence = "Something went wrong." if code == _INTERNAL else sentence
        await self.send(replies.error(code, sentence, fatal=True))
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.close(CLOSES.get(code, CLOSES[_INTERNAL]), code)


def code_of(error: IdproofError) -> str:
    """Returns the code by which a device learns of an error: one of `codes`, else `internal`."""
    return error.code if error.code in CLOSES or error.code in STAYS else _INTERNAL


def _told(group: BaseExceptionGroup[Any]) -> tuple[str, str]:
    """Returns code and sentence of the first error of a group."""
    error = cast("IdproofError", _first(group))
    return code_of(error), error.sentence


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
