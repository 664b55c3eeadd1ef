"""Face templates are off by default, and start with nothing that would make them needless or unsafe."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeVerifier, ask
from joserfc.jwk import ECKey
from passkey_bench import passkey_settings
from soft_passkeys import Authenticator
from template_party import TemplateVerifier, template_party, template_settings
from typer.testing import CliRunner

from idproof.service.cli.passkey import app
from idproof.service.errors import CoreKeyUnusable, SettingsInvalid
from idproof.service.face_templates.reference_core import ReferenceCore
from idproof.service.http.app import create_app
from idproof.service.operations import production, server
from idproof.service.operations.settings import Settings

URL = "https://core.example/keys"


def told(folder: Path, **more: Any) -> dict[str, Any]:
    """Settings of an operator, as `Settings.load` takes it."""
    made = template_settings(folder, ReferenceCore(dict), URL)
    return made.model_dump(exclude_unset=True) | more


def test_they_are_off_by_default(tmp_path: Path) -> None:
    assert not Settings(data_dir=tmp_path).keeps_face_templates


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"records_url": "https://records.example"}, "excludes records"),
        ({"records_file": Path("records.sqlite")}, "excludes records"),
        ({"passkey_rp_id": None, "passkey_origins": ""}, "needs passkey_rp_id"),
        ({"face_template_core_key": None}, "face_template_core_key"),
        ({"face_template_core_url": None}, "face_template_core_url"),
        ({"executor": "ray"}, "examined in this process"),
        ({"sandbox": True}, "no sandbox"),
    ],
)
def test_what_they_cannot_be_combined_with(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        Settings.load(**told(tmp_path, **more))


def test_the_cores_address_is_https_in_production(tmp_path: Path) -> None:
    for url, named in ((URL, False), ("http://core.example/keys", True)):
        settings = Settings.load(**told(tmp_path, production=True, face_template_core_url=url))
        with pytest.raises(SettingsInvalid) as caught:
            production.require_complete(settings)
        assert ("IDPROOF_FACE_TEMPLATE_CORE_URL" in str(caught.value)) is named


def test_one_server_process_holds_what_waits(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="one server process"):
        server.run(Settings.load(**told(tmp_path)), "127.0.0.1", 0, workers=2)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kty": "OKP", "crv": "X25519", "x": "AAAA"}', '{"kty": "EC"}'])
def test_a_file_without_a_key_on_p256_is_refused(tmp_path: Path, text: str) -> None:
    settings = Settings.load(**told(tmp_path))
    assert settings.face_template_core_key is not None
    settings.face_template_core_key.write_text(text, encoding="utf-8")
    with pytest.raises(CoreKeyUnusable):
        create_app(settings, TemplateVerifier())  # type: ignore[arg-type]


def test_the_cores_private_key_is_refused(tmp_path: Path) -> None:
    """With it this service would have both halves that are not the holder's."""
    settings = Settings.load(**told(tmp_path))
    assert settings.face_template_core_key is not None
    private = ECKey.generate_key("P-256").as_dict(private=True)
    settings.face_template_core_key.write_text(json.dumps(private), encoding="utf-8")
    with pytest.raises(CoreKeyUnusable, match="private"):
        create_app(settings, TemplateVerifier())  # type: ignore[arg-type]


def test_a_verifier_without_templates_of_its_own_is_refused(tmp_path: Path) -> None:
    class Elsewhere(FakeVerifier):
        template_network = ""

    with pytest.raises(SettingsInvalid, match="in this process"):
        create_app(Settings.load(**told(tmp_path)), Elsewhere())  # type: ignore[arg-type]


def test_they_are_not_switched_off_while_templates_are_left(tmp_path: Path) -> None:
    """The published statement would say that none are kept."""
    with template_party(tmp_path) as party:
        party.bound(Authenticator(prf=bytes(range(32))))
        off = passkey_settings(Settings(data_dir=party.settings.data_dir, anonymous=True))
        with pytest.raises(SettingsInvalid, match="1 face templates"):
            create_app(off, FakeVerifier())  # type: ignore[arg-type]
        command = ["destroy-face-template", "--data-dir", str(party.settings.data_dir)]
        assert CliRunner().invoke(app, command).exit_code == 2
        assert CliRunner().invoke(app, [*command, "pk_1", "--all"]).exit_code == 2
        done = CliRunner().invoke(app, [*command, "--all"])
        assert (done.exit_code, done.output.strip()) == (0, "destroyed 1")
        (*_, line) = [e for e in party.bench.audit_events() if e["event"] == "face_template_destroyed"]
        assert line["cause"] == "operator"
        create_app(off, FakeVerifier())  # type: ignore[arg-type]
        assert CliRunner().invoke(app, [*command, "--all"]).exit_code == 1


def test_without_them_the_requests_say_so(tmp_path: Path) -> None:
    app = create_app(passkey_settings(Settings(data_dir=tmp_path, anonymous=True)), FakeVerifier())  # type: ignore[arg-type]
    wanted = {"verification": "ver_" + "0" * 26, "nonce": "A" * 43, "origin": "https://login.idproof.example"}
    for path, body in (
        ("/v1/passkey-registrations", wanted | {"face_template": True}),
        ("/v1/passkey-logins", {"origin": "https://login.idproof.example", "face_template": True}),
        ("/v1/face-templates/pkc_" + "0" * 26, {"response": {}}),
    ):
        answer = ask(app, "POST", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "face_templates_off")
