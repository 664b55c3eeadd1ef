"""A service starts in production only with all that it needs, and names everything that it lacks in one error."""

import re
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeVerifier, ask
from production import complete

from idproof.service.errors import SettingsInvalid
from idproof.service.http.app import create_app
from idproof.service.operations import server
from idproof.service.operations.policy import build_policy
from idproof.service.operations.production import HOST_NAMES, REQUIREMENTS, require_complete
from idproof.service.operations.settings import Settings

OMISSIONS: dict[str, dict[str, Any]] = {
    "IDPROOF_LIVENESS_REQUIRED": {"liveness_required": False},
    "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE": {"accept_without_liveness_because": "we trust our people"},
    "IDPROOF_RECORDS_URL": {"records_url": None},
    "IDPROOF_TLS_CERT": {"tls_by_proxy": False},
    "IDPROOF_CORE_KEY": {"core_key": None},
    "IDPROOF_CORE_URL": {"core_url": "http://core.example/"},
    "IDPROOF_OAUTH_JWKS_URL": {
        "oauth_issuer": "https://issuer.example",
        "oauth_audience": "idproof",
        "oauth_jwks_url": "http://issuer.example/keys",
    },
    "IDPROOF_WEBHOOK_URL": {"webhook_url": "http://backend.example/"},
    "IDPROOF_ANONYMOUS": {"anonymous": True},
    "IDPROOF_CAPTURES_REMEMBERED_HOURS": {"captures_remembered_hours": 0},
}
HOST = "0.0.0.0"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that each call of `server.run` serves with; nothing is loaded."""
    made: list[Settings] = []
    monkeypatch.setattr(server, "application", lambda settings, *_: made.append(settings))
    monkeypatch.setattr(server.uvicorn, "run", lambda *_, **__: None)
    return made


def named(sentence: str) -> set[str]:
    return set(re.findall(r"IDPROOF_[A-Z_]+", sentence))


def test_a_complete_service_starts(tmp_path: Path, served: list[Settings]) -> None:
    settings = complete(tmp_path)
    server.run(Settings.load(**settings), HOST, 8000)
    server.run(Settings.load(**settings | {"allowed_hosts": ""}), "127.0.0.1", 8000)
    own = {"tls_by_proxy": False, "tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    server.run(Settings.load(**settings | own), HOST, 8000, workers=1)
    assert len(served) == 3
    assert ask(create_app(Settings.load(**settings), FakeVerifier()), "GET", "/healthz").status_code == 200


@pytest.mark.parametrize("omitted", OMISSIONS)
def test_every_single_omission_is_refused_and_named(tmp_path: Path, served: list[Settings], omitted: str) -> None:
    settings = Settings.load(**complete(tmp_path) | OMISSIONS[omitted])
    with pytest.raises(SettingsInvalid, match=omitted) as caught:
        server.run(settings, HOST, 8000)
    assert served == []
    (requirement,) = [each for each in REQUIREMENTS if not each.met(settings)]
    assert requirement.setting == omitted
    assert named(caught.value.sentence) == named(requirement.sentence)
    with pytest.raises(SettingsInvalid, match=omitted):  # whoever starts the application under a server of their own
        create_app(settings, FakeVerifier())
    require_complete(settings.model_copy(update={"production": False}), HOST)


def test_every_requirement_is_walked(tmp_path: Path) -> None:
    plain = {"records_url": "http://records.example/"}
    with pytest.raises(SettingsInvalid, match="IDPROOF_RECORDS_URL begins with https"):
        require_complete(Settings.load(**complete(tmp_path) | plain), HOST)
    assert {each.setting for each in REQUIREMENTS} == OMISSIONS.keys()  # the records' URL stands for two


def test_everything_that_is_missing_is_in_one_error(tmp_path: Path) -> None:
    bare = Settings(data_dir=tmp_path, production=True, anonymous=True, captures_remembered_hours=0)
    with pytest.raises(SettingsInvalid) as caught:
        require_complete(bare, HOST)
    unmet = {each.setting for each in (*REQUIREMENTS, HOST_NAMES) if not each.met(bare)}
    assert len(unmet) == 7
    assert unmet <= named(caught.value.sentence)


def test_the_applications_names_are_needed_beyond_the_machine(tmp_path: Path) -> None:
    settings = Settings.load(**complete(tmp_path) | {"allowed_hosts": ""})
    with pytest.raises(SettingsInvalid, match="IDPROOF_ALLOWED_HOSTS"):
        require_complete(settings, HOST)


def test_a_written_exception_replaces_the_records_and_stands_in_the_policy(tmp_path: Path) -> None:
    because = {"records_url": None, "accept_without_records_because": "the department has no service yet"}
    settings = Settings.load(**complete(tmp_path) | because)
    require_complete(settings, HOST)
    assert build_policy(settings).version.endswith("+without-records")
    with pytest.raises(SettingsInvalid, match="IDPROOF_ACCEPT_WITHOUT_RECORDS_BECAUSE"):
        Settings.load(**complete(tmp_path) | because | {"accept_without_records_because": "none"})


def test_the_page_for_operators_lists_every_requirement() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operation.md").read_text(encoding="utf-8")
    section = page.split("\n## Production\n")[1].split("\n## ")[0]
    for requirement in (*REQUIREMENTS, HOST_NAMES):
        assert named(requirement.sentence) <= named(section), requirement.setting
