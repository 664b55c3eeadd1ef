"""The whole way over real servers: a registration, its credential in a wallet, a department that verifies no cards."""

import io
import json
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from presentation_desk import PURPOSE
from presenting_wallets import PresentingWallet
from server_process import Server, start, stop
from wallets import Wallet

from idproof.client import Client


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sandbox, whose accepted registrations are issued as credentials."""
    running, process = start(tmp_path_factory.mktemp("issuer"), more=("--sandbox",))
    yield running
    stop(process)


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory, issuer: Server) -> Iterator[Server]:
    """A verifier alone, on a machine without networks."""
    folder = tmp_path_factory.mktemp("department")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "IDPROOF_PRESENTATION_VERIFIER": f"http://127.0.0.1:{port}",
        "IDPROOF_PRESENTATION_NAME": "Example Library",
        "IDPROOF_PRESENTATION_ROOTS": str(issuer.data_dir / "sandbox" / "keys" / "credential-issuer-root.pem"),
        "IDPROOF_PRESENTATION_ISSUERS": issuer.url,
        "IDPROOF_PRESENTATION_RETURN_ORIGINS": "https://library.example",
        "IDPROOF_MODELS": str(folder / "none"),
    }
    with patch.dict(os.environ, settings):
        running, process = start(folder, port, ("--only", "presentations"))
    yield running
    stop(process)


@pytest.fixture(scope="module")
def wallet(issuer: Server) -> Iterator[Wallet]:
    persona = httpx.get(f"{issuer.url}/sandbox/personas/accept/captures.zip", timeout=120)
    with zipfile.ZipFile(io.BytesIO(persona.content)) as archive:
        captures = {name.removesuffix(".jpg"): archive.read(name) for name in archive.namelist()}
    with Client(issuer.url) as client:
        verdict = client.verify(captures, session=client.open_session().id)
    assert verdict.decision == "accept"
    offer = httpx.post(f"{issuer.url}/v1/verifications/{verdict.id}/credential-offer").json()
    with httpx.Client(base_url=issuer.url) as http:
        found = Wallet(http)
        found.redeem(offer["link"], offer["transaction_code"])
        yield found


def ask(server: Server, claims: list[str], **changed: Any) -> dict[str, Any]:
    body = {"claims": claims, "purpose": PURPOSE, "keeps_days": 0} | changed
    answer = httpx.post(f"{server.url}/v1/presentations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])
def test_a_department_reads_what_a_holder_shows(department: Server, wallet: Wallet, query: str) -> None:
    assert "networks" not in httpx.get(f"{department.url}/readyz").json()["checks"]
    asked = ask(department, ["family_name", "over_18"], flow="same_device", return_url="https://library.example/x")
    with httpx.Client(base_url=department.url) as http:
        answer = PresentingWallet(http, wallet).answer(asked["link"], query)
    assert answer.status_code == 200, answer.text
    code = answer.json()["redirect_uri"].partition("=")[2]
    place = f"{department.url}/v1/presentations/{asked['id']}"
    given = httpx.post(f"{place}/claims", json={"response_code": code}).json()
    assert given["claims"]["over_18"] is True
    surname = given["claims"]["family_name"]
    assert surname
    assert httpx.post(f"{place}/claims", json={"response_code": code}).status_code == 410
    assert httpx.get(f"{place}/receipt").json()["receipt"] == given["receipt"]
    # No value of the holder is in any file of the department, nor in its log.
    for path in (*department.data_dir.rglob("*"), department.log):
        if path.is_file():
            assert f'"{surname}"'.encode() not in path.read_bytes(), path


def test_the_department_serves_nothing_else(department: Server) -> None:
    described = httpx.get(f"{department.url}/openapi.json").json()
    assert {path for path in described["paths"] if not path.startswith("/v1/presentations")} == {
        *("/healthz", "/readyz", "/metrics")
    }
    assert httpx.post(f"{department.url}/v1/capture-sessions").status_code == 404
    assert httpx.get(f"{department.url}/docs").status_code == 200
    assert "idproof_" in httpx.get(f"{department.url}/metrics").text


def test_the_sandbox_asks_too(issuer: Server, wallet: Wallet) -> None:
    asked = ask(issuer, ["document_number_masked"])
    with httpx.Client(base_url=issuer.url) as http:
        assert PresentingWallet(http, wallet).answer(asked["link"]).status_code == 200
    given = httpx.post(f"{issuer.url}/v1/presentations/{asked['id']}/claims", json={}).json()
    assert given["claims"]["document_number_masked"].endswith("***(*)")


def test_a_question_of_the_documentation_is_taken(department: Server) -> None:
    page = (Path(__file__).parents[3] / "docs" / "presentations.md").read_text(encoding="utf-8")
    body = json.loads(page.partition("-d '")[2].partition("'")[0])
    assert httpx.post(f"{department.url}/v1/presentations", json=body).status_code == 201
