"""Hand-off: a page shows a QR code, and the telephone that opens its link captures in the page's place.

The link works once. The telephone that opened it shows four digits, and so does the page: only when the applicant says
there that they are the same may the telephone begin. So a link that somebody else photographed and opened first is
noticed before any picture is taken.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio

from idproof.pipeline.errors import IdproofError
from idproof.service.credentials import qr
from idproof.service.errors import StreamProblem
from idproof.service.storage.capture_tokens import PREFIX, CaptureToken, TokenState
from idproof.service.stream import messages
from idproof.service.stream.replies import Message
from idproof.service.stream.runtime import StreamRuntime

PAGE = "/capture"
"""This service's own page of the component."""
_LOOK_S = 1.0
"""Seconds between two looks at what the telephone does. Chosen by hand; no outside source."""


class HandOff:
    """The hand-off of one page's connection, and what its screen is told of the telephone.

    Args:
        runtime: shared by all streams.
        token: of the page; None for a device that has none, which cannot hand off.
        address: origin of this service, as the page reaches it.
        send: to the page.
    """

    def __init__(
        self,
        runtime: StreamRuntime,
        token: CaptureToken | None,
        address: str,
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._runtime, self._token, self._address, self._send = runtime, token, address, send
        self._told: Message | None = None
        self._handed = anyio.Event()
        if token is not None and token.state is TokenState.HANDED_OFF:
            self._handed.set()

    async def handle(self, message: Any) -> None:
        """Answers the page.

        Raises:
            StreamProblem: `message_unexpected`: the session has begun, or this device cannot hand off.
            AuditBroken, StoreUnavailable: nothing changed.
        """
        token, tokens = self._token, self._runtime.tokens
        if token is None or token.parent is not None:
            raise _unexpected()
        if isinstance(message, messages.AskHandOff):
            await self._send(await self._offer(token))
            self._handed.set()
        elif isinstance(message, messages.ConfirmHandOff):
            if not await anyio.to_thread.run_sync(tokens.confirm, token.id, message.device):
                raise _unexpected()
            await self._look(token)
        else:
            await anyio.to_thread.run_sync(tokens.take_back, token.id)
            await self._look(token)

    async def follow(self) -> None:
        """Tells the page what the telephone does, until the connection ends; tells a telephone when it may begin."""
        if self._token is None:
            return
        if self._token.parent is not None:
            await self._await_confirmation(self._token)
            return
        await self._handed.wait()
        while True:
            with suppress(IdproofError):  # a database that is away for a moment ends no session
                await self._look(self._token)
            await anyio.sleep(_LOOK_S)

    async def _await_confirmation(self, token: CaptureToken) -> None:
        """Tells a telephone that its page has confirmed it."""
        while not token.confirmed:
            await anyio.sleep(_LOOK_S)
            found: CaptureToken | None = token
            with suppress(IdproofError):
                found = await anyio.to_thread.run_sync(self._runtime.tokens.find, token.id)
            if found is None:
                return
            if found.confirmed:
                await self._send({"type": "hand_off_confirmed"})
            token = found

    async def _offer(self, token: CaptureToken) -> Message:
        record = partial(_record, self._runtime, token.client)
        made = await anyio.to_thread.run_sync(self._runtime.tokens.hand_off, token.id, self._address, record)
        if made is None:
            raise _unexpected()
        written, child = made
        # In the fragment, which no browser sends to a server or names as a referrer.
        link = f"{self._address}{PAGE}#{written.removeprefix(PREFIX)}"
        return {
            "type": "hand_off_offer",
            "device": child.id,
            "link": link,
            "qr": qr.modules(link),
            "expires_at": child.expires_at,
        }

    async def _look(self, token: CaptureToken) -> None:
        child = await anyio.to_thread.run_sync(self._runtime.tokens.child, token.id)
        if child is None:
            return
        told = {"type": "hand_off_state", "device": child.id, **self._described(child)}
        if told != self._told:
            self._told = told
            await self._send(told)

    def _described(self, child: CaptureToken) -> dict[str, Any]:
        if child.lapsed:
            return {"state": "lapsed"}
        match child.state:
            case TokenState.ISSUED:
                return {"state": "waiting"}
            case TokenState.BOUND if not child.confirmed:
                return {"state": "opened", "comparison": self._runtime.tokens.digits(child.id, child.binding or b"")}
            case TokenState.BOUND:
                return {"state": "confirmed"}
            case TokenState.STARTED:
                return {"state": "capturing", "stage": child.stage}
            case TokenState.DONE:
                return {"state": "done", "verification": child.verification}
            case _:
                return {"state": "ended"}


def _record(runtime: StreamRuntime, client: str, parent: str, child: str) -> None:
    runtime.intake.audit.append("capture_handed_off", token=parent, to=child, client=client)


def _unexpected() -> StreamProblem:
    return StreamProblem("message_unexpected", "This message is not taken in this state.")
