"""Connections from the outside: certificates of clients, and a request's head that never ends."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from certificates import certificate
from fakes import FakeVerifier, serving

from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.server import _tls
from idproof.service.operations.settings import Settings


@contextmanager
def bounded(settings: Settings) -> Iterator[int]:
    """The port of a server as `idproof serve` sets it up for the outside."""
    with serving(settings, FakeVerifier(), http=BoundedProtocol, timeout_keep_alive=1, **_tls(settings)) as (_, port):
        yield port


def test_tls_requires_a_client_certificate_where_configured(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "ca")
    for name in ("server", "client"):
        certificate(tmp_path, name, authority)
    certificate(tmp_path, "stranger")
    files = {"tls_cert": tmp_path / "server.pem", "tls_key": tmp_path / "server.key"}
    settings = Settings(data_dir=tmp_path / "data", tls_client_ca=tmp_path / "ca.pem", **files)
    with bounded(settings) as port:
        url = f"https://127.0.0.1:{port}/healthz"
        trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=trust)
        trust.load_cert_chain(tmp_path / "stranger.pem", tmp_path / "stranger.key")
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=trust)
        trust.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        answer = httpx.get(url, verify=trust)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]


def test_a_client_that_never_finishes_the_request_head_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_s", 0.4)
    with bounded(Settings(data_dir=tmp_path / "data")) as port:
        for sent in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                started = time.monotonic()
                client.sendall(sent)
                assert client.recv(100) == b""
                assert time.monotonic() - started < 5
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:  # a second request on one connection
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(1000)
            client.sendall(b"GET /healthz HT")
            started = time.monotonic()
            assert client.recv(1000) == b""
            assert time.monotonic() - started < 0.9  # sooner than the limit between requests
