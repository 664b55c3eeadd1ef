"""Connections of strangers: small messages, few at once, and nothing of them stays."""

import asyncio
import gc
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fakes import FakeVerifier
from hypothesis import given
from hypothesis import strategies as st
from page_devices import PageDevice
from stream_server import JPEG, StreamVerifier, enroll, stream_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from idproof.pipeline.errors import IdproofError
from idproof.service.errors import ServiceProblem
from idproof.service.http import web_sockets
from idproof.service.http.web_sockets import STRANGER_BYTES, BoundedWebSocket
from idproof.service.operations.settings import Settings
from idproof.service.stream import admission
from idproof.service.stream.admission import Admission
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.simulator.device import Device, DeviceProblem


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    settings = Settings(data_dir=tmp_path, streams=12, streams_per_address=10)
    with stream_server(settings, StreamVerifier(), monkeypatch) as running:
        yield running


def stranger(url: str) -> Any:
    return connect(f"{url.replace('http', 'ws')}/v1/stream", subprotocols=[PROTOCOL], max_size=None)  # type: ignore[list-item]


async def closed_with(connection: ClientConnection) -> int | None:
    """The close code of a connection that the server ends."""
    try:
        while True:
            await asyncio.wait_for(connection.recv(), 20)
    except ConnectionClosed:
        return connection.close_code


@pytest.mark.parametrize(("size", "code"), [(STRANGER_BYTES + 1, 1009), (4 << 20, 1009), (STRANGER_BYTES, 4400)])
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_message_of_a_stranger_is_small(url: str, size: int, code: int, kind: type) -> None:
    async def run() -> int | None:
        async with stranger(url) as connection:
            await connection.recv()
            try:
                await connection.send("x" * size if kind is str else b"x" * size)
            except ConnectionClosed:
                return connection.close_code
            return await closed_with(connection)

    found = asyncio.run(run())
    assert found == (4408 if kind is bytes and code == 4400 else code)


def test_a_device_that_is_known_sends_pictures(url: str, tmp_path: Path) -> None:
    async def run() -> str:
        device = await Device.connect(url, enroll(tmp_path))
        await device.start()
        await device.send_frame(device.session["stage"], JPEG.ljust(100_000, b"\0"), still=True)
        hint = (await device.receive("guidance"))["type"]
        await device.socket.close()
        return hint

    assert asyncio.run(run()) == "guidance"


def test_a_message_in_endless_pieces_ends_the_connection(url: str) -> None:
    async def run() -> int | None:
        async with stranger(url) as connection:
            await connection.recv()

            async def pieces() -> Any:
                for _ in range(10_000):
                    yield b""
                    await asyncio.sleep(0)

            with pytest.raises(ConnectionClosed):
                await connection.send(pieces())
            return connection.close_code

    assert asyncio.run(run()) in (1008, 1006)  # without the close frame, where more pieces were on their way


def test_connections_of_one_address_and_of_all_are_bounded(url: str) -> None:
    async def run() -> list[int]:
        async with AsyncExitStack() as stack:
            for _ in range(10):
                await stack.enter_async_context(stranger(url))
            try:
                await stack.enter_async_context(stranger(url))
            except InvalidStatus as refused:
                status = [refused.response.status_code, int(refused.response.headers["Retry-After"])]
        await asyncio.sleep(0.2)
        async with stranger(url) as connection:  # their places are free again
            await connection.recv()
        return status

    assert asyncio.run(run()) == [503, 2]


def test_a_device_gets_in_while_strangers_hold_every_place_that_waits(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MOST_WAITING_OF_ADDRESS", 4)
    key = enroll(tmp_path)

    async def run() -> tuple[list[int | None], str]:
        async with AsyncExitStack() as stack:
            waiting = [await stack.enter_async_context(stranger(url)) for _ in range(6)]
            displaced = [await closed_with(connection) for connection in waiting[:2]]
            device = await Device.connect(url, key)
            session = await device.start()
            await device.socket.close()
            return displaced, session["stage"]

    displaced, stage = asyncio.run(run())
    assert displaced == [4408, 4408]
    assert stage


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_the_counts_are_those_of_the_open_connections(steps: list[tuple[str, bool]]) -> None:
    door, opened = Admission(8, 4), []  # type: ignore[var-annotated]
    for host, opens in steps:
        if not opens:
            if opened:
                opened.pop(0)[1].close()
            continue
        stack = ExitStack()
        full = len(opened) >= 8 or sum(name == host for name, _ in opened) >= 4
        with pytest.raises(IdproofError, match="Too many devices") if full else nullcontext():
            stack.enter_context(door.connection(host))
        if not full:
            opened.append((host, stack))
        assert door.connected == len(opened)
    for _, stack in opened:
        stack.close()
    assert (door.connected, dict(door._of_address)) == (0, {})


def test_the_longest_wait_ends_first() -> None:
    door, ended = Admission(1000, 1000), []  # type: ignore[var-annotated]

    async def wait(number: int) -> None:
        try:
            with door.waiting(f"10.0.{number}.1"):
                await anyio.sleep(0.5 if number < 70 else 0.1)
        except IdproofError:
            ended.append(number)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(70):
                tasks.start_soon(wait, number)
                await anyio.sleep(0)

    anyio.run(run)
    assert ended == list(range(70 - admission.MOST_WAITING))
    assert not door._waiting


@pytest.mark.parametrize("known", [False, True])
def test_a_connection_that_is_over_leaves_nothing_behind(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Without a garbage collection: it would come when it likes, and a flood does not wait for it."""
    kept: list[weakref.ref[BoundedWebSocket]] = []
    begin = BoundedWebSocket.__init__

    def remember(protocol: BoundedWebSocket, *arguments: Any, **named: Any) -> None:
        begin(protocol, *arguments, **named)
        kept.append(weakref.ref(protocol))

    monkeypatch.setattr(BoundedWebSocket, "__init__", remember)
    keys = [enroll(tmp_path, f"Counter {number}") for number in range(3)]

    async def come_and_go() -> None:
        if known:
            device = await Device.connect(url, keys.pop())
            await device.start()
            await device.send_frame(device.session["stage"], JPEG.ljust(100_000, b"\0"), still=True)
            await device.receive("guidance")
            await device.socket.close()
            return
        async with stranger(url) as connection:
            await connection.recv()
            await connection.send("x" * 8000)
            await closed_with(connection)

    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            asyncio.run(come_and_go())
        deadline = time.monotonic() + 10
        while any(reference() for reference in kept) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = [reference() for reference in kept if reference() is not None]
        assert all(protocol.queue.empty() and not protocol.conn.reader.buffer for protocol in left)  # type: ignore[union-attr]
        assert all(protocol.conn.parser.gi_frame is None for protocol in left)  # type: ignore[union-attr]
        assert len(kept) == 3
        assert not left, [gc.get_referrers(protocol) for protocol in left]
    finally:
        gc.enable()


def test_a_socket_that_sends_half_a_message_and_goes_holds_nothing(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    head = (
        f"GET /v1/stream HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    )
    for _ in range(30):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(head.encode())
            client.recv(4096)
            client.sendall(b"\x82\xfe\x1f\x40aaaa" + b"x" * 4000)
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_under_another_server_nothing_is_allowed_or_refused() -> None:
    assert FakeVerifier
    web_sockets.allow_full_messages({"type": "websocket"})


def test_pages_leave_a_quarter_of_the_connections_to_enrolled_devices() -> None:
    limits = Admission(total=8, per_address=8)
    with ExitStack() as pages:
        for _ in range(6):
            pages.enter_context(limits.page())
        with pytest.raises(ServiceProblem, match="Too many pages"):
            pages.enter_context(limits.page())
        pages.enter_context(limits.page(counted=False))
    with limits.page():
        pass


def test_a_page_beyond_their_share_is_refused_and_a_device_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = "https://shop.example"
    settings = Settings(data_dir=tmp_path, streams=4, capture_origins=shop)

    async def run(url: str) -> None:
        issued = [httpx.post(f"{url}/v1/capture-tokens", json={"origin": shop}).json()["token"] for _ in range(4)]
        pages = [await PageDevice.open(url, token, shop) for token in issued[:3]]
        with pytest.raises(DeviceProblem, match="busy"):
            await PageDevice.open(url, issued[3], shop)
        device = await Device.connect(url, enroll(tmp_path))
        await device.start()
        for each in (*pages, device):
            await each.socket.close()

    with stream_server(settings, StreamVerifier(), monkeypatch) as url:
        asyncio.run(run(url))
