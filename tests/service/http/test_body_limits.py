"""Bodies that are read whole are bounded before anybody asks who sent them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask

from idproof.service.http.app import create_app
from idproof.service.http.body_limits import MAX_BODY_BYTES
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


def test_bodies_within_the_bound_and_captures_arrive_whole(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "data"), FakeVerifier())  # type: ignore[arg-type]
    padded = b'{"device": "kiosk-17"}'.ljust(MAX_BODY_BYTES)
    opened = ask(app, "POST", "/v1/capture-sessions", content=padded, headers=JSON)
    assert opened.status_code == 201
    assert ask(app, "POST", "/v1/capture-sessions", content=padded + b" ", headers=JSON).status_code == 413
    large = {name: (name, b"x" * MAX_BODY_BYTES, "image/jpeg") for name in FILES}
    sent = ask(app, "POST", "/v1/verifications", files=large, headers={"Capture-Session": opened.json()["id"]})
    assert sent.status_code == 201
