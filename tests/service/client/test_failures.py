"""The clients name the cause when no answer comes, and try again only where that can help."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import certificate
from fakes import FakeVerifier, serving
from peers import IdentityCore, running

from idproof.client import AsyncClient, Client, FailureCode, Unreachable
from idproof.service.operations.server import _tls
from idproof.service.operations.settings import Settings

LONG_S = 60.0
"""Wait before a second try that no test would sit through."""


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[str]:
    """The address, without its scheme, of a service with a certificate of an authority that nobody trusts."""
    certificate(tmp_path, "server", certificate(tmp_path, "ca"))
    settings = Settings(data_dir=tmp_path / "data", tls_cert=tmp_path / "server.pem", tls_key=tmp_path / "server.key")
    with serving(settings, FakeVerifier(), **_tls(settings)) as (host, port):
        yield f"{host}:{port}"


def failure(url: str, **options: Any) -> Unreachable:
    with pytest.raises(Unreachable) as caught, Client(url, **options) as client:
        client.open_session()
    return caught.value


def failure_with_await(url: str, **options: Any) -> Unreachable:
    async def run() -> None:
        async with AsyncClient(url, **options) as client:
            await client.open_session()

    with pytest.raises(Unreachable) as caught:
        asyncio.run(run())
    return caught.value


@pytest.fixture(params=[failure, failure_with_await], ids=["Client", "AsyncClient"])
def failing(request: pytest.FixtureRequest) -> Callable[..., Unreachable]:
    made: Callable[..., Unreachable] = request.param
    return made


def test_an_untrusted_certificate_is_named_at_once(tls: str, failing: Callable[..., Unreachable]) -> None:
    started = time.monotonic()
    error = failing(f"https://{tls}", first_wait_s=LONG_S)
    assert error.code is FailureCode.CERTIFICATE_UNTRUSTED
    assert "certificate is not trusted: unable to get local issuer certificate" in str(error)
    assert isinstance(error.__cause__, httpx.ConnectError)
    assert time.monotonic() - started < LONG_S / 2


def test_https_to_a_service_without_tls_is_named_at_once(failing: Callable[..., Unreachable]) -> None:
    with running(IdentityCore()) as peer:
        error = failing(peer.url.replace("http:", "https:"), first_wait_s=LONG_S)
    assert error.code is FailureCode.TLS_FAILED
    assert isinstance(error.__cause__, httpx.ConnectError)


def test_http_to_a_service_with_tls_names_the_scheme(tls: str, failing: Callable[..., Unreachable]) -> None:
    error = failing(f"http://{tls}", first_wait_s=0.01)
    assert error.code is FailureCode.CONNECTION_LOST
    assert "https" in error.detail
    assert isinstance(error.__cause__, httpx.TransportError)


def test_a_closed_port_is_named_after_every_try(failing: Callable[..., Unreachable]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        started = time.monotonic()
        error = failing(url, tries=3, first_wait_s=0.4)
    assert error.code is FailureCode.CONNECTION_REFUSED
    assert isinstance(error.__cause__, httpx.ConnectError)
    assert time.monotonic() - started >= 0.5 * (0.4 + 0.8)


def test_an_unknown_name_is_named(failing: Callable[..., Unreachable]) -> None:
    assert failing("http://idproof.invalid", tries=1).code is FailureCode.NAME_UNKNOWN


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1"])
def test_an_address_without_a_usable_scheme_is_named_at_once(url: str, failing: Callable[..., Unreachable]) -> None:
    error = failing(url, first_wait_s=LONG_S)
    assert error.code is FailureCode.REQUEST_UNSENDABLE
    assert "protocol" in error.detail


def test_a_token_that_cannot_be_sent_is_not_repeated_in_the_error(failing: Callable[..., Unreachable]) -> None:
    with running(IdentityCore()) as peer:
        error = failing(peer.url, token="idp_secret\n", first_wait_s=LONG_S)
    assert error.code is FailureCode.REQUEST_UNSENDABLE
    assert "secret" not in f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"


@contextmanager
def silent() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_service_that_is_silent_has_timed_out(failing: Callable[..., Unreachable]) -> None:
    with silent() as url:
        error = failing(url, tries=2, first_wait_s=0.01, timeout=0.2)
    assert error.code is FailureCode.TIMED_OUT
    assert isinstance(error.__cause__, httpx.ReadTimeout)


def test_a_client_is_closed_without_a_with_block(tmp_path: Path) -> None:
    async def run(url: str) -> None:
        client = AsyncClient(url)
        assert (await client.open_session()).id
        await client.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await client.open_session()

    with serving(Settings(data_dir=tmp_path), FakeVerifier()) as (host, port):
        url = f"http://{host}:{port}"
        client = Client(url)
        assert client.open_session().id
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.open_session()
        asyncio.run(run(url))
