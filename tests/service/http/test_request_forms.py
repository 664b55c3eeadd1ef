"""Forms of a request that HTTP allows: absolute targets, HEAD, a preamble; and parameters that nobody reads."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask, serving

from idproof.service.http.app import create_app
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.settings import Settings

BOUNDARY = "b"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


@pytest.fixture
def app(settings: Settings) -> Any:
    return create_app(settings, FakeVerifier())


@pytest.fixture
def address(settings: Settings) -> Iterator[tuple[str, int]]:
    with serving(settings, FakeVerifier(), http=BoundedProtocol) as running:  # as the service does
        yield running


def on_the_wire(address: tuple[str, int], request: str) -> tuple[bytes, bytes]:
    """Head and body of the response to a request that is sent as it is."""
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(request.encode())
        received = b""
        while piece := client.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("target", ["http://idproof.example/healthz", "HTTPS://idproof.example:443/healthz"])
def test_an_absolute_target_is_answered_like_its_path(address: tuple[str, int], target: str) -> None:
    head, body = on_the_wire(address, f"GET {target} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body) == {"status": "ok"}


def test_an_absolute_target_keeps_its_query(address: tuple[str, int]) -> None:
    request = "GET http://127.0.0.1/v1/verifications?limit=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    _, body = on_the_wire(address, request)
    assert json.loads(body)["errors"][0]["name"] == "limit"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/.well-known/jwks.json", "/v1/verifications", "/kiosk"])
def test_head_is_answered_like_get_without_a_body(app: Any, path: str) -> None:
    got, asked = ask(app, "GET", path), ask(app, "HEAD", path)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]


def test_head_works_on_the_wire_and_the_connection_stays_usable(address: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}") as client:
        assert client.head("/healthz").status_code == 200
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.head("/v1/capture-sessions").status_code == 405  # there is no GET of it


def body(preamble: bytes, epilogue: bytes = b"") -> bytes:
    parts = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode() + data + b"\r\n"
        for name, (_, data, _) in FILES.items()
    )
    return preamble + parts + f"--{BOUNDARY}--".encode() + epilogue


@pytest.mark.parametrize(
    "preamble",
    [
        b"",
        b"\r\n",
        b"This is a multipart message.\r\n",
        b"a\r\n-b\r\n--c\r\n\r\n",
        b"not at the start of a line: --b\r\n",
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 100_000])
def test_a_preamble_is_ignored_however_it_is_cut_into_chunks(app: Any, preamble: bytes, chunk: int) -> None:
    sent = body(preamble, b"\r\nan epilogue")

    async def pieces() -> Any:
        for start in range(0, len(sent), chunk):
            yield sent[start : start + chunk]

    answer = ask(app, "POST", "/v1/verifications", content=pieces(), headers=MULTIPART)
    assert answer.status_code == 201, answer.text


def test_a_body_without_a_boundary_is_refused_early(app: Any) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    answer = ask(app, "POST", "/v1/verifications", content=endless(), headers=MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (400, "upload_malformed")
    assert "boundary" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "/v1/verifications?limti=5", "Known are: cursor, limit."),
        ("GET", "/v1/verifications/ver_00000000000000000000000000?limti=5", "This request has none."),
        ("POST", "/v1/capture-sessions?limti=5", "This request has none."),
        ("GET", "/v1/privacy?limti=5", "This request has none."),
    ],
)
def test_an_unknown_query_parameter_is_refused_by_its_name(app: Any, method: str, path: str, known: str) -> None:
    answer = ask(app, method, path)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")
    assert answer.json()["errors"] == [
        {"where": "query", "name": "limti", "detail": f"There is no such parameter. {known}"}
    ]
    assert "query limti" in answer.json()["detail"]


def test_health_checks_and_pages_take_any_parameter(app: Any) -> None:
    """A balancer may add one, and nothing depends on it."""
    assert [ask(app, "GET", f"{path}?t=1").status_code for path in ("/healthz", "/readyz", "/kiosk")] == [200] * 3


def test_public_keys_and_schema_may_be_cached_and_nothing_else(app: Any) -> None:
    for path in ("/.well-known/jwks.json", "/v1/schemas/verdict.json"):
        assert ask(app, "GET", path).headers["cache-control"] == "public, max-age=300"
    for path in ("/v1/verifications", "/readyz", "/v1/privacy", "/nothing"):
        assert ask(app, "GET", path).headers["cache-control"] == "no-store"
