"""Requests that are refused: the session keeps its attempts, and the response names the faulty part."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import FILES, FakeVerifier, ask
from structlog.testing import capture_logs

from idproof.pipeline.errors import CardCutOff
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

OPEN = ("POST", "/v1/capture-sessions")
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_attempts=2)


@pytest.fixture
def app(settings: Settings) -> Any:
    return create_app(settings, FakeVerifier())


def open_session(app: Any) -> str:
    return str(ask(app, "POST", "/v1/capture-sessions").json()["id"])


def post(app: Any, session: str, metadata: Any = None, **more: Any) -> Any:
    data = {} if metadata is None else {"metadata": metadata if isinstance(metadata, str) else json.dumps(metadata)}
    sent: dict[str, Any] = {"files": FILES, "data": data} | more
    headers = {"Capture-Session": session} | sent.pop("headers", {})
    return ask(app, "POST", "/v1/verifications", headers=headers, **sent)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"files": None, "content": b"{}", "headers": {"Content-Type": "application/json"}}, "upload_not_multipart"),
        ({"files": None, "content": b"--b\r\nnonsense", "headers": MULTIPART}, "upload_malformed"),
        ({"metadata": "{"}, "metadata_invalid"),
        ({"metadata": {"reference": "x" * 65}}, "metadata_invalid"),
        ({"metadata": {"document": "passport"}}, "metadata_invalid"),
        ({"files": {"selfie": FILES["selfie"]}}, "capture_missing"),
        ({"files": FILES | {"photo": FILES["selfie"]}}, "capture_missing"),
    ],
)
def test_a_request_refused_before_any_picture_is_examined_costs_no_attempt(
    app: Any, request_: dict[str, Any], code: str
) -> None:
    session = open_session(app)
    for _ in range(3):  # one more than the session's attempts
        assert post(app, session, **request_).json()["code"] == code
    assert post(app, session).status_code == 201


def test_a_missing_answer_to_the_challenge_costs_no_attempt(settings: Settings) -> None:
    strict = create_app(settings.model_copy(update={"liveness_required": True}), FakeVerifier())
    session = open_session(strict)
    assert [post(strict, session).json()["code"] for _ in range(3)] == ["frames_missing"] * 3


def test_refused_requests_between_examinations_give_no_further_attempt(settings: Settings) -> None:
    def cut_off() -> None:
        raise CardCutOff("The card is cut off.", capture="card_front")

    app = create_app(settings, FakeVerifier(cut_off))
    session = open_session(app)
    codes = [post(app, session, metadata=sent).json()["code"] for sent in (None, "{", None, "{", None)]
    assert codes == ["card_cut_off", "metadata_invalid", "card_cut_off", "session_used", "session_used"]


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ("{", ""),
        ('"text"', ""),
        ({"reference": "登記17"}, "/reference"),
        ({"reference": 17}, "/reference"),
        ({"document": "passport"}, "/document"),
        ({"liveness": {"frames": [{"captured_ms": "soon", "number": 1}] * 8}}, "/liveness/frames/0/captured_ms"),
    ],
)
def test_a_problem_with_metadata_names_the_member(app: Any, metadata: Any, name: str) -> None:
    problem = post(app, open_session(app), metadata).json()
    assert (problem["code"], problem["errors"][0]["where"]) == ("metadata_invalid", "metadata")
    assert problem["errors"][0]["name"] == name
    assert f"metadata {name}".strip() in problem["detail"]
    assert problem["errors"][0]["detail"]


def test_a_refused_reference_is_explained_and_not_repeated(app: Any) -> None:
    for reference in ("登記17", "陳大文", "two words", ""):
        problem = post(app, open_session(app), {"reference": reference}).json()
        assert "1 to 64 Latin letters, digits, dots, underscores and hyphens" in problem["detail"]
        assert not reference or reference not in json.dumps(problem, ensure_ascii=False)


def test_an_unknown_member_is_named_only_where_it_looks_like_a_name_in_a_program(app: Any, settings: Settings) -> None:
    typing_error = post(app, open_session(app), {"refrence": "r-1"}).json()
    assert typing_error["errors"][0]["member"] == "refrence"
    personal = post(app, open_session(app), {"CHAN Tai Man 陳大文": 1}).json()
    assert "CHAN" not in json.dumps(personal)
    stored = b"".join(path.read_bytes() for path in settings.data_dir.glob("verdicts.sqlite*"))
    assert b"metadata cannot be used" in stored  # the sentence of the failure is stored, the member's name is not
    assert b"refrence" not in stored


@pytest.mark.parametrize(
    ("method", "path", "more", "where", "name"),
    [
        ("POST", "/v1/verifications", {"headers": {"Idempotency-Key": "my key"}}, "header", "Idempotency-Key"),
        ("GET", "/v1/verifications?limit=none", {}, "query", "limit"),
        ("POST", "/v1/capture-sessions/nonsense/challenges", {}, "path", "session_id"),
        (*OPEN, {"json": {"options": {"cannot_turn": "perhaps"}}}, "body", "/options/cannot_turn"),
        (*OPEN, {"json": {"options": {"cannot_fly": True}}}, "body", "/options"),
        (*OPEN, {"content": b"{", "headers": {"Content-Type": "application/json"}}, "body", ""),
    ],
)
def test_an_invalid_request_names_the_part(
    app: Any, method: str, path: str, more: dict[str, Any], where: str, name: str
) -> None:
    with capture_logs() as logged:
        answer = ask(app, method, path, **more)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "request_invalid")
    (error,) = problem["errors"]
    assert (error["where"], error["name"]) == (where, name)
    assert f"{where} {name}".strip() in problem["detail"]
    assert "perhaps" not in answer.text
    assert name == "" or name not in json.dumps(logged)
