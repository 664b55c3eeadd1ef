"""A service starts in production only with all that it needs, and names everything that it lacks in one error."""

import re
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeVerifier, ask
from production import complete
from structlog.testing import capture_logs

from idproof.pipeline import assurance
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.types import Outcome
from idproof.service.errors import SettingsInvalid
from idproof.service.http.app import create_app
from idproof.service.operations import server
from idproof.service.operations.policy import build_policy
from idproof.service.operations.production import BEYOND_THE_MACHINE, REQUIREMENTS, require_complete
from idproof.service.operations.settings import Settings

OMISSIONS: dict[str, dict[str, Any]] = {
    "IDPROOF_LIVENESS_REQUIRED": {"liveness_required": False},
    "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE": {"accept_without_liveness_because": "we trust our people"},
    "IDPROOF_ACCEPT_FROM": {"accept_unattested_because": None},
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
    "IDPROOF_FACE_TEMPLATE_CORE_URL": {"face_template_core_url": "http://core.example/"},
    "IDPROOF_CREDENTIAL_ISSUER": {"credential_issuer": "https://issuer.example"},
    "IDPROOF_PRESENTATION_VERIFIER": {"presentation_verifier": "https://verifier.example"},
    "IDPROOF_ANONYMOUS": {"anonymous": True},
    "IDPROOF_CAPTURES_REMEMBERED_HOURS": {"captures_remembered_hours": 23.9},
    "IDPROOF_PASSKEY_ORIGINS": {"passkey_rp_id": "localhost", "passkey_origins": "http://localhost:8000"},
    "IDPROOF_CAPTURE_ORIGINS": {"capture_origins": "http://localhost:8000"},
    "IDPROOF_DATABASE_URL": {"database_url": "postgresql://idproof@db/idproof"},
    "IDPROOF_RAY_ADDRESS": {"executor": "ray", "ray_address": "ray-head:6379"},
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
    unmet = {each.setting for each in (*REQUIREMENTS, *BEYOND_THE_MACHINE) if not each.met(bare)}
    assert len(unmet) == 8  # nobody has to name proxies of no proxy
    assert unmet <= named(caught.value.sentence)


def test_a_verifier_of_presentations_alone_needs_nothing_about_cards(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "data_dir": tmp_path,
        "production": True,
        "only": "presentations",
        "anonymous": False,
        "tls_by_proxy": True,
        "trusted_proxies": "10.0.0.5",
        "allowed_hosts": "library.example",
        "presentation_verifier": "https://library.example",
        "presentation_key": tmp_path / "key.pem",
        "presentation_chain": tmp_path / "chain.pem",
        "presentation_roots": tmp_path / "roots.pem",
        "presentation_issuers": "https://idproof.example",
        "presentation_return_origins": "https://library.example",
    }
    require_complete(Settings.load(**settings), HOST)
    for changed in (
        {"presentation_verifier": "http://library.example"},
        {"presentation_key": None, "presentation_chain": None},
        {"presentation_roots": None},
        {"presentation_issuers": ""},
        {"presentation_issuers": "http://localhost:8000"},
        {"presentation_return_origins": "http://localhost:8000"},
    ):
        with pytest.raises(SettingsInvalid, match="IDPROOF_PRESENTATION_VERIFIER"):
            require_complete(Settings.load(**settings | changed), HOST)
    for changed in ({"tls_by_proxy": False}, {"anonymous": True}, {"database_url": "postgresql://idproof@db/idproof"}):
        with pytest.raises(SettingsInvalid):
            require_complete(Settings.load(**settings | changed), HOST)
    with pytest.raises(SettingsInvalid, match="IDPROOF_CORE_KEY"):
        require_complete(Settings.load(**settings | {"only": None}), HOST)


@pytest.mark.parametrize("name", ["allowed_hosts", "trusted_proxies"])
def test_names_and_proxies_are_needed_beyond_the_machine(tmp_path: Path, name: str) -> None:
    settings = Settings.load(**complete(tmp_path) | {name: ""})
    with pytest.raises(SettingsInvalid, match=f"IDPROOF_{name.upper()}"):
        require_complete(settings, HOST)
    require_complete(settings, "127.0.0.1")


def test_no_proxy_is_named_where_the_service_ends_tls_itself(tmp_path: Path) -> None:
    own = {"tls_by_proxy": False, "tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    require_complete(Settings.load(**complete(tmp_path) | own | {"trusted_proxies": ""}), HOST)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://idproof:secret@db/idproof?sslmode=verify-full", True),
        ("postgresql://db-1,db-2/idproof?sslmode=verify-full", True),
        ("postgresql:///idproof", True),  # its socket
        ("postgresql:///idproof?host=/var/run/postgresql", True),
        ("postgresql://localhost/idproof", True),
        ("postgresql://127.0.0.1:5433/idproof", True),
        ("postgresql://[::1]/idproof", True),
        ("postgresql://db/idproof", False),
        ("postgresql://db/idproof?sslmode=require", False),  # encrypts to whoever answers
        ("postgresql://db/idproof?sslmode=verify-ca", False),
        ("postgresql://db/idproof?sslmode=verify-full&sslmode=disable", False),
        ("postgresql://localhost/idproof?host=db", False),
        ("postgresql:///idproof?host=localhost&host=db", False),
        ("postgresql:///idproof?host=/var/run/postgresql,db", False),
        ("postgresql://localhost/idproof?hostaddr=10.0.0.7", False),
        ("postgresql:///idproof?service=production", False),
        ("postgresql://localhost.example/idproof", False),
    ],
)
def test_a_database_of_another_machine_is_verified(tmp_path: Path, url: str, safe: bool) -> None:
    settings = Settings.load(**complete(tmp_path) | {"database_url": url})
    if safe:
        require_complete(settings, HOST)
        return
    with pytest.raises(SettingsInvalid, match="IDPROOF_DATABASE_URL contains sslmode=verify-full") as caught:
        require_complete(settings, HOST)
    assert url not in caught.value.sentence


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
def test_a_database_that_the_environment_names_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "10.0.0.7")
    with pytest.raises(SettingsInvalid, match="IDPROOF_DATABASE_URL"):
        require_complete(Settings.load(**complete(tmp_path) | {"database_url": "postgresql:///idproof"}), HOST)


@pytest.mark.parametrize(
    ("address", "tls", "safe"),
    [
        (None, None, True),  # starts on this machine
        ("127.0.0.1:6379", None, True),
        ("ray://localhost:10001", None, True),
        ("[::1]:6379", None, True),
        ("ray-head:6379", "1", True),
        ("ray-head:6379", None, False),
        ("ray-head:6379", "0", False),
        ("ray://10.0.0.9:10001", None, False),
        ("auto", None, False),  # a cluster that this machine belongs to
    ],
)
def test_a_cluster_of_other_machines_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, tls: str | None, safe: bool
) -> None:
    monkeypatch.delenv("RAY_USE_TLS", raising=False)
    if tls is not None:
        monkeypatch.setenv("RAY_USE_TLS", tls)
    settings = Settings.load(**complete(tmp_path) | {"executor": "ray", "ray_address": address})
    if safe:
        require_complete(settings, HOST)
        return
    with pytest.raises(SettingsInvalid, match="RAY_USE_TLS=1"):
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
    for requirement in (*REQUIREMENTS, *BEYOND_THE_MACHINE):
        assert named(requirement.sentence) <= named(section), requirement.setting


def test_an_operator_accepts_from_attested_devices_alone(tmp_path: Path) -> None:
    roots = {"attestation_roots": tmp_path, "attestation_origin": "https://idproof.example"}
    alone = complete(tmp_path) | roots | {"accept_from": "attested", "accept_unattested_because": None}
    settings = Settings.load(**alone)
    require_complete(settings, HOST)
    policy = build_policy(settings)
    assert policy.accept_from is CaptureLevel.ATTESTED
    assert policy.version.endswith("+attested")
    for level, reason in ((CaptureLevel.UPLOAD, "captures_injectable"), (CaptureLevel.DEVICE, "device_not_attested")):
        found = assurance.check(level, policy.accept_from)
        assert (found.outcome, found.reason) == (Outcome.DOUBT, reason)
    assert assurance.check(CaptureLevel.ATTESTED, policy.accept_from).outcome is Outcome.PASS


def test_a_reason_to_accept_unattested_devices_stands_in_the_policy(tmp_path: Path) -> None:
    policy = build_policy(Settings.load(**complete(tmp_path)))
    assert policy.accept_from is CaptureLevel.DEVICE
    assert "+unattested" in policy.version


def test_each_start_in_production_says_that_unattested_devices_are_accepted(
    tmp_path: Path, served: list[Settings]
) -> None:
    roots = {"attestation_roots": tmp_path, "attestation_origin": "https://idproof.example"}
    alone = roots | {"accept_from": "attested", "accept_unattested_because": None}
    said = []
    for more in ({}, alone, {"production": False}):
        with capture_logs() as logged:
            server.run(Settings.load(**complete(tmp_path) | more), HOST, 8000)
        said.append([line["event"] for line in logged if line["log_level"] == "warning"])
    assert said == [["computed pictures can be accepted"], [], []]
    assert len(served) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"attestation_roots": None},
        {"attestation_origin": None},
        {"accept_unattested_because": "we know our devices"},
        {"accept_uploads_because": "a trial without devices"},
    ],
)
def test_attested_devices_alone_need_roots_and_no_reason_for_others(tmp_path: Path, more: dict[str, Any]) -> None:
    roots = {"attestation_roots": tmp_path, "attestation_origin": "https://idproof.example"}
    with pytest.raises(SettingsInvalid, match="accept_from=attested"):
        Settings.load(**roots | {"accept_from": "attested"} | more)
