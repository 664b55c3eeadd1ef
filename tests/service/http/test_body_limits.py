"""Bodies that are read whole are bounded before anybody asks who sent them."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask, serving

from idproof.service.http import body_limits
from idproof.service.http.app import create_app
from idproof.service.http.body_limits import MAX_BODY_BYTES
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.settings import Settings

JSON = {"Content-Type": "application/json"}
_PIECE = 1 << 20


def send_pieces(app: Any, path: str, pieces: int) -> tuple[httpx.Response, int]:
    """Send a body piece by piece; returns the response, and how many pieces the server took."""
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(pieces):
            taken += 1
            yield b" " * _PIECE

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.post(path, content=body(), headers=JSON)

    return asyncio.run(run()), taken


@pytest.mark.parametrize("path", ["/v1/permits", "/v1/capture-sessions", "/v1/nowhere"])
def test_a_body_of_a_caller_without_a_key_is_not_read_without_bound(tmp_path: Path, path: str) -> None:
    app = create_app(Settings(data_dir=tmp_path / "data", anonymous=False), FakeVerifier())  # type: ignore[arg-type]
    response, taken = send_pieces(app, path, 40)
    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Request-Id"]
    assert taken < 20


@pytest.mark.parametrize("path", ["/v1/permits", "/v1/capture-sessions", "/healthz"])
def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limits, "BODY_S", 0.5)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    settings = Settings(data_dir=tmp_path / "data")
    with serving(settings, FakeVerifier(), http=BoundedProtocol) as at, socket.create_connection(at) as client:
        client.settimeout(0.1)
        client.sendall(head.encode())
        started, answered = time.monotonic(), b""
        while b"request_slow" not in answered and time.monotonic() - started < 10:
            with suppress(TimeoutError):
                answered += client.recv(65536)
            with suppress(OSError):
                client.sendall(b" ")  # one byte after the other does not help
    assert answered.startswith(b"HTTP/1.1 408")


def test_the_sandbox_takes_events_and_others_do_not(tmp_path: Path) -> None:
    body = b"{}".ljust(100_000)
    for sandbox, status in ((True, 201), (False, 413)):
        settings = Settings(data_dir=tmp_path / str(sandbox), sandbox=sandbox)
        app = create_app(settings, FakeVerifier())  # type: ignore[arg-type]
        assert ask(app, "POST", "/v1/capture-sessions", content=body, headers=JSON).status_code == status


def test_bodies_within_the_bound_and_captures_arrive_whole(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "data"), FakeVerifier())  # type: ignore[arg-type]
    padded = b'{"device": "kiosk-17"}'.ljust(MAX_BODY_BYTES)
    opened = ask(app, "POST", "/v1/capture-sessions", content=padded, headers=JSON)
    assert opened.status_code == 201
    assert ask(app, "POST", "/v1/capture-sessions", content=padded + b" ", headers=JSON).status_code == 413
    large = {name: (name, b"x" * MAX_BODY_BYTES, "image/jpeg") for name in FILES}
    sent = ask(app, "POST", "/v1/verifications", files=large, headers={"Capture-Session": opened.json()["id"]})
    assert sent.status_code == 201
