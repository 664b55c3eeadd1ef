"""The bound on connections: who gives way to whom, and that an honest client gets in during a flood of open ones."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from fakes import FakeVerifier, serving
from hypothesis import given
from hypothesis import strategies as st

from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.http import connection_limit
from idproof.service.http.connection_limit import ConnectionLimit, Phase, raise_descriptor_limit
from idproof.service.http.connections import BoundedProtocol
from idproof.service.http.web_sockets import BoundedWebSocket
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

Address = tuple[str, int]


class Fake:
    """A connection that remembers that it was ended."""

    ended = False

    def give_way(self) -> None:
        self.ended = True


def test_the_oldest_that_nobody_answers_for_gives_way() -> None:
    limit = ConnectionLimit(4, 4)
    known, idle, stranger, head = made = [Fake() for _ in range(4)]
    for connection in made:
        assert limit.add(connection, "198.51.100.7")
    limit.change(known, Phase.KNOWN)
    limit.change(idle, Phase.IDLE)
    limit.change(stranger, Phase.STRANGER)
    newer = [Fake() for _ in range(4)]
    for connection in newer:
        assert limit.add(connection, "203.0.113.9")
        limit.change(connection, Phase.KNOWN)
        assert [one.ended for one in (head, stranger, idle)].count(True) == min(3, newer.index(connection) + 1)
        if newer.index(connection) == 2:
            break
    assert (head.ended, stranger.ended, idle.ended, known.ended) == (True, True, True, False)
    assert not limit.add(Fake(), "203.0.113.10")  # every place belongs to a client that is known
    limit.remove(known)
    assert limit.add(Fake(), "203.0.113.10")


def test_one_address_takes_its_own_places_and_a_proxy_has_no_bound() -> None:
    limit = ConnectionLimit(10, 2, (ip_network("10.0.0.0/8"),))
    other, *own = (Fake() for _ in range(5))
    assert limit.add(other, "203.0.113.9")
    for connection in own:
        assert limit.add(connection, "198.51.100.7")
    assert [connection.ended for connection in own] == [True, True, False, False]
    assert not other.ended
    behind = [Fake() for _ in range(7)]
    assert all(limit.add(connection, "10.1.2.3") for connection in behind)
    assert not any(connection.ended for connection in behind)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["add", "remove", *Phase])), max_size=80))
def test_the_counts_are_those_of_the_open_connections(steps: list[tuple[int, str | Phase]]) -> None:
    limit, opened = ConnectionLimit(6, 3), []  # type: ignore[var-annotated]
    for number, step in steps:
        if step == "add":
            connection = Fake()
            if limit.add(connection, f"10.0.0.{number % 3}"):
                opened.append(connection)
        elif opened:
            connection = opened[number % len(opened)]
            if isinstance(step, Phase):
                limit.change(connection, step)
            else:
                limit.remove(connection)
                opened.remove(connection)
        opened = [connection for connection in opened if not connection.ended]
        assert limit.connected == len(opened) == sum(map(len, limit._by_phase.values())) <= 6
        assert limit._of_address.total() == len(opened)
        assert max(limit._of_address.values(), default=0) <= 3


def test_there_are_fewer_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    given_limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given_limits.append(limits))

    def connections(soft: int, hard: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
        return raise_descriptor_limit()

    assert connections(1024, 1024) == 512
    assert given_limits == []
    assert connections(1024, 4096) == 1000
    assert connections(1024, resource.RLIM_INFINITY) == 1000
    assert given_limits == [(4096, 4096), (8192, resource.RLIM_INFINITY)]
    assert connections(256, 256) == 64


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limit, "MOST", 70)
    monkeypatch.setattr(connection_limit, "MOST_OF_ADDRESS", 30)


@pytest.fixture
def address(tmp_path: Path, few: None) -> Iterator[Address]:
    settings = Settings(data_dir=tmp_path / "data", session_required=False)
    with serving(settings, FakeVerifier(), http=BoundedProtocol, ws=BoundedWebSocket) as running:
        yield running


def half_a_head(client: socket.socket) -> None:
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")


def half_a_body(client: socket.socket) -> None:
    client.sendall(
        b"POST /v1/capture-sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n{"
    )


def half_an_upload(client: socket.socket) -> None:
    client.sendall(
        b"POST /v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer idp_x_y\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b"
    )


LARGE = b"GET /docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def an_unread_answer(client: socket.socket) -> None:
    client.sendall(LARGE)


def a_web_socket(client: socket.socket) -> None:
    client.sendall(
        b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: idproof.capture.v1\r\n\r\n"
    )


@pytest.mark.parametrize(
    "attack", [lambda _: None, half_a_head, half_a_body, half_an_upload, an_unread_answer, a_web_socket]
)
def test_an_honest_client_gets_in_while_strangers_hold_connections(
    address: Address, attack: Callable[[socket.socket], None]
) -> None:
    with ExitStack() as sockets:
        for number in range(120):
            # The whole net 127.0.0.0/8 is this machine's.
            client = socket.create_connection(address, source_address=(f"127.0.0.{2 + number % 5}", 0))
            sockets.enter_context(client)
            with suppress(OSError):
                attack(client)
        for _ in range(5):
            assert httpx.get(f"http://{address[0]}:{address[1]}/healthz", timeout=60).status_code == 200
        (connected,) = [limit.connected for limit in connection_limit._limits.values() if limit.connected]
        assert connected <= 70


def test_a_connection_with_a_valid_key_does_not_give_way(tmp_path: Path, few: None) -> None:
    settings = Settings(data_dir=tmp_path / "data", session_required=False, anonymous=False)
    keys = ApiKeys(VerdictStore.open(settings, Keys.open(settings).sealing).database)
    key = keys.create("backend", [Scope.VERIFY_WRITE])
    verifier = FakeVerifier()
    with serving(settings, verifier, http=BoundedProtocol) as address, ExitStack() as sockets:
        client = sockets.enter_context(socket.create_connection(address))
        body = b"--b\r\n" + b'Content-Disposition: form-data; name="selfie"; filename="s"\r\n\r\n' + b"x" * 100
        head = (
            f"POST /v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 300\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        deadline = time.monotonic() + 10
        while not (verifier.sessions and verifier.sessions[0].outstanding) and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(100):
            other = sockets.enter_context(socket.create_connection(address))
            with suppress(OSError):
                half_a_head(other)
        client.sendall(b"y" * (300 - len(body)))
        assert client.recv(4096).startswith(b"HTTP/1.1 400")  # the body is no whole one: it was read to its end


def test_a_client_that_does_not_read_its_answer_is_ended(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "read_s", 0.5)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(address)
        client.sendall(LARGE * 20)  # more than the system's buffers hold
        time.sleep(3)
        got = 0
        with suppress(ConnectionResetError):
            while piece := client.recv(65536):
                got += len(piece)
    whole = httpx.get(f"http://{address[0]}:{address[1]}/docs/files/swagger-ui-bundle.js")
    assert len(whole.content) == int(whole.headers["content-length"]) > 1_000_000
    assert 0 < got < 10 * len(whole.content)
