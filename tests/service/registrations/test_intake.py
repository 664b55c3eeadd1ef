"""The intake under a real server: slots, time limits, and what is left of a request that fails."""

import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask, serving
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from idproof.models.errors import EngineUnavailable
from idproof.pipeline import Limits
from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

HEAD = (
    b"POST /v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
)
SELFIE = b'Content-Disposition: form-data; name="selfie"; filename="s"\r\n\r\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", concurrency=1, queue=0, idle_s=0.5, session_required=False)


def until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def answer_on(client: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer on a raw connection, to its end."""
    client.settimeout(10)
    received = b""
    while piece := client.recv(65536):
        received += piece
        if received.endswith(b"}"):
            break
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_requests_beyond_the_slots_are_refused_with_retry_after(settings: Settings) -> None:
    gate, inside, most = threading.Event(), [], []

    def act() -> None:
        inside.append(1)
        most.append(len(inside))
        assert gate.wait(20)
        inside.pop()

    two = settings.model_copy(update={"queue": 1, "idle_s": 20.0})
    verifier = FakeVerifier(act)
    with serving(two, verifier) as (host, port), ThreadPoolExecutor(4) as pool:
        url = f"http://{host}:{port}/v1/verifications"

        def post() -> httpx.Response:
            return httpx.post(url, files=FILES, timeout=30)

        first = pool.submit(post)
        assert until(lambda: len(inside) == 1)
        second = pool.submit(post)
        assert until(lambda: len(verifier.sessions) == 2)
        refused = [post(), post()]
        gate.set()
        assert [done.result().status_code for done in (first, second)] == [201, 201]
        assert post().status_code == 201  # every place was given back
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(503, "busy")] * 2
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert len(verifier.sessions) == 3  # nothing of the refused was received
    assert max(most) == 1


def test_a_client_that_stops_sending_loses_its_slot_and_its_pictures(settings: Settings) -> None:
    verifier = FakeVerifier()
    with serving(settings, verifier) as (host, port), socket.create_connection((host, port)) as client:
        client.sendall(HEAD + SELFIE + b"half a picture")
        assert until(lambda: bool(verifier.sessions) and verifier.sessions[0].outstanding == 1)
        status, problem = answer_on(client)
        assert (status, problem["code"]) == (408, "session_expired")
        assert verifier.sessions[0].outstanding == 0
        assert httpx.post(f"http://{host}:{port}/v1/verifications", files=FILES).status_code == 201


def test_a_slow_client_is_bounded_by_the_pictures_lifetime(settings: Settings) -> None:
    patient = settings.model_copy(update={"idle_s": 30.0})
    verifier = FakeVerifier(limits=Limits(lifetime_s=1))
    with serving(patient, verifier) as (host, port), socket.create_connection((host, port)) as client:
        client.sendall(HEAD)
        started = time.monotonic()
        client.setblocking(False)
        answered = b""
        while not answered and time.monotonic() - started < 8:
            client.send(b"X")
            time.sleep(0.1)
            try:
                answered = client.recv(65536)
            except BlockingIOError:
                continue
    assert b" 408 " in answered.split(b"\r\n")[0]
    assert b"session_expired" in answered


def test_a_client_that_trickles_is_ended_and_one_that_is_slow_but_steady_is_not(settings: Settings) -> None:
    paced = settings.model_copy(update={"idle_s": 0.8, "upload_bytes_per_s": 1000.0})

    def send(client: socket.socket, piece: bytes, seconds: float) -> bytes:
        """Sends a piece every tenth of a second; returns what was answered by then."""
        client.setblocking(False)
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            client.sendall(piece)
            time.sleep(0.1)
            with suppress(BlockingIOError):
                return client.recv(65536)
        return b""

    verifier = FakeVerifier()
    with serving(paced, verifier) as at:
        with socket.create_connection(at) as client:
            client.sendall(HEAD + SELFIE)
            assert b" 408 " in send(client, b"x" * 20, 10).split(b"\r\n")[0]
        with socket.create_connection(at) as client:
            client.sendall(HEAD + SELFIE)
            assert send(client, b"x" * 4000, 3) == b""
        assert until(lambda: not any(session.outstanding for session in verifier.sessions))
        time.sleep(0.2)  # the only slot is given back right after the pictures
        with socket.create_connection(at) as client:  # a fast beginning buys no later trickle
            client.sendall(HEAD + SELFIE + b"x" * 100_000)
            assert b" 408 " in send(client, b"x" * 20, 10).split(b"\r\n")[0]


def test_one_client_leaves_slots_to_the_others(settings: Settings) -> None:
    shared = settings.model_copy(update={"anonymous": False, "queue": 8, "idle_s": 30.0})
    keys = ApiKeys(VerdictStore.open(shared, Keys.open(shared).sealing).database)
    greedy, honest = (
        {"Authorization": f"Bearer {keys.create(name, [Scope.VERIFY_WRITE])}"} for name in ("greedy", "honest")
    )
    verifier = FakeVerifier()
    with serving(shared, verifier) as (host, port), ExitStack() as sockets:
        url = f"http://{host}:{port}/v1/verifications"
        head = HEAD.replace(b"\r\n\r\n", f"\r\nAuthorization: {greedy['Authorization']}\r\n\r\n".encode(), 1)
        for _ in range(9):
            client = sockets.enter_context(socket.create_connection((host, port)))
            client.sendall(head + SELFIE + b"half a picture")
        assert until(lambda: sum(session.outstanding for session in verifier.sessions) == 6)
        refused = httpx.post(url, files=FILES, headers=greedy)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_at_once")
        assert httpx.post(url, files=FILES, headers=honest).status_code == 201


def test_a_refused_body_is_wiped_before_the_rest_arrives(settings: Settings) -> None:
    patient = settings.model_copy(update={"idle_s": 30.0})
    verifier = FakeVerifier()
    with serving(patient, verifier) as (host, port), socket.create_connection((host, port)) as client:
        client.sendall(HEAD + SELFIE + b"a picture")
        assert until(lambda: bool(verifier.sessions) and verifier.sessions[0].outstanding == 1)
        client.sendall(b'\r\n--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n')
        assert until(lambda: verifier.sessions[0].outstanding == 0, seconds=3)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):  # it is still listened to
            client.recv(1)


_WRITTEN: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _WRITTEN is None or event != "open" or not isinstance(arguments[2], int):
        return
    if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _WRITTEN.append(str(arguments[0]))


sys.addaudithook(_watch)


def test_no_file_is_opened_for_writing_while_pictures_arrive(settings: Settings) -> None:
    """Watches the interpreter, not a folder: a spilled upload is a file without a name, which no listing shows."""
    global _WRITTEN
    application = create_app(settings, FakeVerifier())
    large = {name: (name, bytes(3_000_000), "image/jpeg") for name in FILES}
    try:
        _WRITTEN = []
        assert ask(application, "POST", "/v1/verifications", files=large).status_code == 201
        written = list(_WRITTEN)
        with tempfile.SpooledTemporaryFile(max_size=10) as control:
            control.write(bytes(11))
        assert len(_WRITTEN) > len(written)  # the control: that way would have been seen
    finally:
        _WRITTEN = None
    # After the pictures are gone one line goes to the audit log.
    assert {Path(path).name for path in written} == {"audit.lock", "audit.jsonl", "audit.new"}


def test_an_operators_error_is_logged_and_not_shown_to_the_client(settings: Settings) -> None:
    def act() -> None:
        raise EngineUnavailable("Tesseract is not installed.")

    verifier = FakeVerifier(act)
    with capture_logs() as logged:
        answer = ask(create_app(settings, verifier), "POST", "/v1/verifications", files=FILES)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "Tesseract" not in answer.text
    assert [(line["log_level"], line["code"]) for line in logged] == [("error", "engine_unavailable")]
    assert verifier.sessions[0].outstanding == 0


def test_a_refusal_is_logged_with_its_code(settings: Settings) -> None:
    with capture_logs() as logged:
        ask(create_app(settings, FakeVerifier()), "POST", "/v1/verifications", files={"selfie": FILES["selfie"]})
    assert [(line["event"], line["code"], line["capture"]) for line in logged] == [
        ("refused", "capture_missing", "card_front")
    ]


def test_an_unexpected_error_is_logged_with_its_route_and_not_its_path(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise RuntimeError("A123456(3)")

    monkeypatch.setattr(VerdictStore, "load", load)
    with capture_logs() as logged:
        answer = ask(create_app(settings, FakeVerifier()), "GET", "/v1/verifications/A123456(3)")
    assert answer.status_code == 500
    assert "A123456" not in str(logged)
    assert logged[0]["route"] == "/v1/verifications/{verification_id}"


@pytest.mark.parametrize(
    ("boundary", "headers", "status", "code", "says"),
    [
        ("b" * 400, b"", 415, "upload_not_multipart", "boundary"),
        ("b", b"X: " + b"a" * 4100, 400, "upload_malformed", "headers"),
        ("b", b"\r\n".join([b"X: " + b"a" * 700] * 7), 400, "upload_malformed", "headers"),
    ],
)
def test_boundary_and_part_headers_have_limits(
    settings: Settings, boundary: str, headers: bytes, status: int, code: str, says: str
) -> None:
    answer = ask(
        create_app(settings, FakeVerifier()),
        "POST",
        "/v1/verifications",
        content=b"--" + boundary.encode() + b"\r\n" + headers + b"\r\n\r\n",
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert says in answer.json()["detail"]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("fuzz"), session_required=False), FakeVerifier())


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)


@hypothesis_settings(deadline=None)
@given(kind=PRINTABLE, disposition=PRINTABLE)
def test_any_header_is_answered_with_a_problem(fuzzed: Any, kind: str, disposition: str) -> None:
    for content_type in (f"multipart/form-data; {kind}", "multipart/form-data; boundary=b"):
        body = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nx\r\n--b--\r\n".encode()
        answer = ask(fuzzed, "POST", "/v1/verifications", content=body, headers={"content-type": content_type})
        assert answer.status_code in (400, 415, 422)
        assert answer.headers["content-type"] == "application/problem+json"


@hypothesis_settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_body_is_answered_with_a_problem(fuzzed: Any, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = ask(fuzzed, "POST", "/v1/verifications", content=b"--b\r\n" + body, headers=headers)
    assert answer.status_code in (400, 413, 422)


def test_the_service_is_not_ready_without_its_keys(settings: Settings) -> None:
    application = create_app(settings, FakeVerifier())
    assert ask(application, "GET", "/readyz").status_code == 200
    (settings.keys_dir / "sealing.key").rename(settings.keys_dir / "elsewhere")
    answer = ask(application, "GET", "/readyz")
    assert (answer.status_code, answer.json()["checks"]["keys"]) == (503, False)
