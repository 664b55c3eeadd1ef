"""Reads the rest of a refused body, so that the client gets its response and no broken connection."""

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from starlette.requests import ClientDisconnect, Request

# Chosen by hand; no outside source.
DRAIN_BYTES = 256 * 1024 * 1024  # a refused client may still have its largest body in flight
_DRAIN_S = 10


async def drain(chunks: AsyncIterator[bytes], max_bytes: int = DRAIN_BYTES) -> None:
    """Reads and discards the rest of a refused body, up to a limit, so that the client gets its response."""
    with anyio.move_on_after(_DRAIN_S):
        async for chunk in chunks:
            max_bytes -= len(chunk)
            if max_bytes < 0:
                return


async def drain_request(request: Request, max_bytes: int = DRAIN_BYTES) -> None:
    """Drains a request whose body was not read; a client that has gone away is no error."""
    with suppress(ClientDisconnect, RuntimeError):  # Starlette's error for a body that was read already
        await drain(aiter(request.stream()), max_bytes)
