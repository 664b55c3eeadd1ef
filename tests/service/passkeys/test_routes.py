"""The endpoints of passkeys over HTTP, with the application and without a network."""

from pathlib import Path
from typing import Any

import pytest
from access_keys import bearer, key
from fakes import FakeVerifier, ask
from passkey_bench import PasskeyBench, passkey_settings
from soft_passkeys import ORIGIN, Authenticator
from typer.testing import CliRunner

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.cli.main import assemble
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings


@pytest.fixture
def bench(tmp_path: Path) -> PasskeyBench:
    return PasskeyBench(passkey_settings(Settings(data_dir=tmp_path, anonymous=False)))


@pytest.fixture
def app(bench: PasskeyBench) -> Any:
    return create_app(bench.settings, FakeVerifier())  # type: ignore[arg-type]


def test_register_log_in_revoke(bench: PasskeyBench, app: Any) -> None:
    token = key(bench.settings, Scope.PASSKEY_WRITE, Scope.PASSKEY_LOGIN, client="core")
    owner = bearer(token)
    client = ApiKeys(bench.store.database).resolve("core")
    verdict, authenticator = bench.verdict(client), Authenticator()

    def post(path: str, body: Any) -> Any:
        return ask(app, "POST", path, json=body, headers=owner)

    wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "origin": ORIGIN}
    begun = post("/v1/passkey-registrations", wanted)
    assert begun.status_code == 201, begun.text
    answer = {"response": authenticator.create(begun.json()["public_key"])}
    made = post(f"/v1/passkey-registrations/{begun.json()['id']}", answer)
    assert made.status_code == 201, made.text
    login = post("/v1/passkey-logins", {"origin": ORIGIN})
    answer = {"response": authenticator.get(login.json()["public_key"])}
    done = post(f"/v1/passkey-logins/{login.json()['id']}", answer)
    assert (done.status_code, done.json()["sub"]) == (200, made.json()["subject"])
    assert post(f"/v1/passkey-logins/{login.json()['id']}", answer).json()["code"] == "ceremony_lapsed"
    listed = ask(app, "GET", f"/v1/passkeys?verification={verdict['id']}", headers=owner).json()["items"]
    assert [(each["id"], each["state"]) for each in listed] == [(made.json()["id"], "active")]
    stranger = bearer(key(bench.settings, Scope.PASSKEY_WRITE))
    path = f"/v1/passkeys/{made.json()['id']}"
    assert ask(app, "GET", f"/v1/passkeys?verification={verdict['id']}", headers=stranger).json()["items"] == []
    assert ask(app, "DELETE", path, headers=stranger).status_code == 404
    assert ask(app, "DELETE", path, headers=owner).status_code == 204
    login = post("/v1/passkey-logins", {"origin": ORIGIN})
    answer = {"response": authenticator.get(login.json()["public_key"])}
    refused = post(f"/v1/passkey-logins/{login.json()['id']}", answer)
    assert (refused.status_code, refused.json()["code"]) == (403, "passkey_refused")


def test_without_a_domain_there_are_no_passkeys(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, anonymous=True), FakeVerifier())  # type: ignore[arg-type]
    answer = ask(app, "POST", "/v1/passkey-logins", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "passkeys_off")


def test_operators_list_and_revoke(bench: PasskeyBench) -> None:
    made = bench.bound(Authenticator())
    folder = ["--data-dir", str(bench.settings.data_dir)]
    command = assemble(benchmarks=False)
    shown = CliRunner().invoke(command, ["passkey", "list", *folder]).output
    assert f"{made['id']}  {made['verification']}  active" in shown
    assert CliRunner().invoke(command, ["passkey", "revoke", made["id"], *folder]).output.strip() == "revoked"
    again = CliRunner().invoke(command, ["passkey", "revoke", made["id"], *folder])
    assert again.exit_code == 1
