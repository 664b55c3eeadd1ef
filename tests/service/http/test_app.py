"""The application: its description, readiness, and unexpected errors."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, a_verdict

from idproof.pipeline.verdict import from_json, to_json
from idproof.service.http import openapi
from idproof.service.http.app import create_app
from idproof.service.http.uploads import Metadata
from idproof.service.operations.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def test_the_examples_of_the_description_match_the_responses(settings: Settings) -> None:
    own = ("reference", "session", "registration", "guardian", "core_only", "jws", "texts")
    given = to_json(a_verdict()) | dict.fromkeys(own)
    example = openapi.VERIFY_RESPONSES[201]["content"]["application/json"]["example"]
    assert example.keys() == given.keys()
    assert from_json({key: value for key, value in example.items() if key not in own})
    form = openapi.VERIFY_BODY["requestBody"]["content"]["multipart/form-data"]
    assert form["example"].keys() == form["schema"]["properties"].keys()
    Metadata.model_validate(form["example"]["metadata"])
    described = create_app(settings, FakeVerifier()).openapi()
    assert "HTTPValidationError" not in json.dumps(described["paths"])


def failing() -> None:
    raise RuntimeError("A123456(3) is in this message")


def client_of(settings: Settings, verifier: Any) -> httpx.AsyncClient:
    app = create_app(settings, verifier)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


def test_an_unexpected_error_shows_nothing_and_the_pictures_are_wiped(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    verifier = FakeVerifier(failing)

    async def run() -> httpx.Response:
        async with client_of(settings, verifier) as client:
            return await client.post("/v1/verifications", files=FILES)

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    logged = capsys.readouterr()
    for said in (answer.text, logged.out, logged.err):
        assert "A123456" not in said
        assert "Traceback" not in said
    assert verifier.sessions[0].outstanding == 0


def test_the_service_is_not_ready_without_its_database(settings: Settings) -> None:
    async def run() -> tuple[int, int]:
        async with client_of(settings, FakeVerifier()) as client:
            before = await client.get("/readyz")
            for path in settings.data_dir.glob("verdicts.sqlite*"):
                path.unlink()
            settings.database.mkdir()
            after = await client.get("/readyz")
            return before.status_code, after.status_code

    assert asyncio.run(run()) == (200, 503)
