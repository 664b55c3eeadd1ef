"""The id of each request: in every answer, whoever gives it, and in the log."""

import json
import re
import socket
from pathlib import Path

import pytest
from fakes import FILES, FakeVerifier, ask, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from idproof.service.http.app import create_app
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.server import WEBSOCKET_OPTIONS, configure_logs
from idproof.service.operations.settings import Settings
from idproof.service.stream.codes import PROTOCOL

AN_ID = re.compile(r"req_[0-9a-f]{24}")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, session_required=False)


def test_every_answer_has_an_id_of_its_own_and_not_the_clients(settings: Settings) -> None:
    def fail() -> None:
        raise KeyError

    verifier = FakeVerifier()
    app = create_app(settings, verifier)
    closed = create_app(settings.model_copy(update={"anonymous": False}), FakeVerifier())
    mine = {"Request-Id": "mine"}
    answers = [
        ask(app, "GET", "/healthz", headers=mine),
        ask(app, "HEAD", "/healthz", headers=mine),
        ask(app, "GET", "/nowhere", headers=mine),
        ask(app, "PUT", "/v1/verifications", headers=mine),
        ask(app, "GET", "/v1/verifications?limit=0", headers=mine),
        ask(app, "GET", "/openapi.json", headers=mine),
        ask(app, "GET", "/kiosk", headers=mine),
        ask(app, "POST", "/v1/verifications", files=FILES, headers=mine),
        ask(closed, "GET", "/v1/verifications", headers=mine),
    ]
    verifier.act = fail
    answers.append(ask(app, "POST", "/v1/verifications", files=FILES, headers=mine))
    assert {answer.status_code for answer in answers} >= {200, 201, 401, 404, 405, 422, 500}
    ids = [answer.headers["request-id"] for answer in answers]
    assert all(AN_ID.fullmatch(request_id) for request_id in ids)
    assert len(set(ids)) == len(ids)


def test_log_lines_name_the_request(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    app = create_app(settings, FakeVerifier())
    try:
        configure_logs()
        answer = ask(app, "POST", "/v1/verifications", files=FILES)
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert [line["request_id"] for line in lines if line["event"] == "verified"] == [answer.headers["request-id"]]


def test_an_accepted_and_a_refused_stream_have_an_id(settings: Settings) -> None:
    with serving(settings, FakeVerifier(), http=BoundedProtocol, **WEBSOCKET_OPTIONS) as (host, port):
        url = f"ws://{host}:{port}/v1/stream"
        with connect(url, subprotocols=[Subprotocol(PROTOCOL)]) as stream:
            assert stream.response is not None
            assert AN_ID.fullmatch(stream.response.headers["request-id"])
        with pytest.raises(InvalidStatus) as refused:
            connect(url, origin=Origin("https://another.example"))
        assert refused.value.response.status_code == 403
        assert AN_ID.fullmatch(refused.value.response.headers["request-id"])


def test_what_is_not_http_gets_a_problem_with_an_id(settings: Settings) -> None:
    with (
        serving(settings, FakeVerifier(), http=BoundedProtocol) as (host, port),
        socket.create_connection((host, port), timeout=10) as client,
    ):
        client.sendall(b"this is no HTTP\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert re.search(rb"(?im)^request-id: req_[0-9a-f]{24}\r?$", head)
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "request_invalid"
