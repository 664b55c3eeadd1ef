"""Floods of clients without a key, each bounded in connections and requests; run as a process of their own.

`python -m idproof.benchmarks.load.floods KIND PORT SECONDS` floods a server on 127.0.0.1 from fifty addresses of this
machine, so that the server's bound per address does not end the flood by itself.
"""

import asyncio
import resource
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

ADDRESSES = 50
"""Source addresses, 127.0.0.2 and following. Chosen by hand; no outside source."""
_REOPEN_S = 2.0
"""Seconds until a connection that the server ended is opened again. Chosen by hand."""
_HOST = "Host: 127.0.0.1\r\n"
_FRAME_BYTES = 4 << 20  # the largest message that a known device may send (`docs/stream.md`)


@dataclass(frozen=True, slots=True)
class Flood:
    """Actions of the connections of one flood.

    Attributes:
        connections: held open at once.
        first: sent when a connection is open, by the number of the connection.
        then: sent at each step, by the numbers of the connection and the step.
        reads: whether answers are read.
        step_s: seconds between two steps of one connection.
    """

    connections: int
    first: Callable[[int], bytes]
    then: Callable[[int, int], bytes] = lambda _number, _step: b""
    reads: bool = True
    step_s: float = 1.0


def _request(method: str, path: str, more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{_HOST}{more}\r\n".encode()


def _half_a_head(number: int) -> bytes:
    return f"GET /healthz HTTP/1.1\r\n{_HOST}X-Number: {number}".encode()


def _half_a_body(_: int) -> bytes:
    return _request("POST", "/v1/capture-sessions", "Content-Type: application/json\r\nContent-Length: 16000\r\n")


def _half_an_upload(_: int) -> bytes:
    more = "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n"
    return _request("POST", "/v1/verifications", more) + b"--b\r\n"


def _web_socket(_: int) -> bytes:
    more = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: idproof.capture.v1\r\n"
    )
    return _request("GET", "/v1/stream", more)


def _large_message(_: int, step: int) -> bytes:
    # RFC 6455, section 5.2: a binary frame with a length of 64 bits and a mask of zeros.
    head = b"\x82\xff" + struct.pack("!Q", _FRAME_BYTES) + bytes(4)
    return (head if step == 0 else b"") + bytes(64 * 1024)


def _strange_request(number: int, step: int) -> bytes:
    return _request(f"M{number}x{step}", "/healthz") + _request("GET", f"/{number}/{step}")


def _guess(number: int, step: int) -> bytes:
    return _request("GET", "/v1/verifications", f"Authorization: Bearer idp_{number:012d}_{step}\r\n")


def _nothing(_: int) -> bytes:
    return b""


FLOODS: Mapping[str, Flood] = {
    "half_heads": Flood(1100, _half_a_head, lambda _number, _step: b"x"),
    "slow_bodies": Flood(1100, _half_a_body, lambda _number, _step: b" "),
    "slow_uploads": Flood(300, _half_an_upload, lambda _number, _step: b"x" * 256),
    "large_messages": Flood(60, _web_socket, _large_message, step_s=0.25),
    "silent_sockets": Flood(300, _web_socket),
    "unread_answers": Flood(60, lambda _: _request("GET", "/docs/files/swagger-ui-bundle.js"), reads=False),
    "strange_methods": Flood(15, _nothing, _strange_request, step_s=0.25),
    "wrong_keys": Flood(15, _nothing, _guess, step_s=0.25),
}
"""Floods by name; their sizes were chosen by hand, after those that once stopped the service."""


async def flood(kind: Flood, port: int, seconds: float) -> None:
    """Floods a server of this machine for so many seconds."""
    until = time.monotonic() + seconds
    await asyncio.gather(*(_connections(kind, port, number, until) for number in range(kind.connections)))


async def _connections(kind: Flood, port: int, number: int, until: float) -> None:
    while time.monotonic() < until:
        with suppress(OSError):
            await _one_connection(kind, port, number, until)
        await asyncio.sleep(min(_REOPEN_S, max(0.0, until - time.monotonic())))


async def _one_connection(kind: Flood, port: int, number: int, until: float) -> None:
    source = (f"127.0.0.{2 + number % ADDRESSES}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source, limit=1 << 16)
    step, reading = 0, asyncio.ensure_future(_read(reader) if kind.reads else asyncio.sleep(2 * _REOPEN_S))
    try:
        writer.write(kind.first(number))
        while time.monotonic() < until and not reading.done():
            if writer.transport.get_write_buffer_size() == 0:
                writer.write(kind.then(number, step))
                step += 1
            await asyncio.wait({reading}, timeout=kind.step_s)
    finally:
        reading.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> None:
    """Reads and drops what the server sends; returns when it ends the connection."""
    with suppress(OSError):
        while await reader.read(1 << 16):
            pass


def main() -> None:
    """Runs one flood; the arguments are its kind, the port and the seconds."""
    kind, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    asyncio.run(flood(FLOODS[kind], port, seconds))


if __name__ == "__main__":
    main()
