"""The container's health check, against the service without TLS, with TLS, and with client certificates."""

import json
import re
import ssl
from pathlib import Path

import httpx
import pytest
from certificates import certificate
from commands import idproof
from fakes import FakeVerifier, serving

from idproof.service.operations.health import ask_readiness
from idproof.service.operations.server import _tls
from idproof.service.operations.settings import Settings

DOCKERFILE = Path(__file__).parents[3] / "Dockerfile"


@pytest.fixture
def tls(tmp_path: Path) -> Settings:
    certificate(tmp_path, "server", certificate(tmp_path, "ca"))
    return Settings(data_dir=tmp_path / "data", tls_cert=tmp_path / "server.pem", tls_key=tmp_path / "server.key")


def test_the_container_asks_by_tls_where_the_service_has_it(tls: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command stands in the Dockerfile, and its settings are those of the service, in the environment."""
    found = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)
    assert found is not None
    program, *arguments = json.loads(found.group(1))
    assert program == "idproof"
    monkeypatch.setenv("IDPROOF_TLS_CERT", str(tls.tls_cert))
    monkeypatch.setenv("IDPROOF_TLS_KEY", str(tls.tls_key))
    with serving(tls, FakeVerifier(), **_tls(tls)) as (_, port):
        done = idproof(*arguments, "--port", port)
        assert (done.returncode, done.stdout) == (0, "Ready.\n"), done.stderr
    done = idproof(*arguments, "--port", port)
    assert (done.returncode, done.stderr) == (1, "No answer by HTTPS: ConnectionRefusedError.\n")


def test_a_service_without_tls_is_asked_by_http_and_names_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with serving(settings, FakeVerifier()) as (host, port):
        assert ask_readiness(settings, host, port, 10).ready
        settings.audit_head.unlink()
        found = ask_readiness(settings, host, port, 10)
    assert (found.ready, found.sentence) == (False, "Not ready, status 503; failing: audit.")


def test_where_clients_need_a_certificate_the_check_shows_its_own_or_the_services(
    tls: Settings, tmp_path: Path
) -> None:
    authority = certificate(tmp_path, "clients")
    certificate(tmp_path, "health", authority)
    certificate(tmp_path, "both", authority)
    strict = tls.model_copy(update={"tls_client_ca": tmp_path / "clients.pem"})
    with serving(strict, FakeVerifier(), **_tls(strict)) as (host, port):
        refused = ask_readiness(strict, host, port, 10)
        assert not refused.ready
        assert "IDPROOF_HEALTH_CERT" in refused.sentence
        own = {"health_cert": tmp_path / "health.pem", "health_key": tmp_path / "health.key"}
        assert ask_readiness(strict.model_copy(update=own), host, port, 10).ready
    one = {"tls_cert": tmp_path / "both.pem", "tls_key": tmp_path / "both.key"}
    same = strict.model_copy(update=one)
    with serving(same, FakeVerifier(), **_tls(same)) as (host, port):
        assert ask_readiness(same, host, port, 10).ready


def test_a_health_check_without_tls_settings_finds_that_the_service_has_tls(tls: Settings, tmp_path: Path) -> None:
    with serving(tls, FakeVerifier(), **_tls(tls)) as (host, port):
        found = ask_readiness(Settings(data_dir=tmp_path), host, port, 10)
        trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        assert httpx.get(f"https://localhost:{port}/healthz", verify=trust).status_code == 200
    assert not found.ready
