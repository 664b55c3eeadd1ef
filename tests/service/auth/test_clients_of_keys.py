"""Clients and their API keys: a key is replaced without losing what its client owns."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from commands import Ended, idproof
from fakes import FILES, FakeVerifier, ask
from postgres import Cluster
from sqlalchemy import Engine, create_engine, text

from idproof.pipeline.liveness.challenge import Options
from idproof.service.auth.api_keys import ApiKeys, _hashed
from idproof.service.auth.clients import Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Ledger, VerdictStore, migrate
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.permits import PermitUse, client_holder, device_holder

SCOPES = (Scope.SESSION_WRITE, Scope.VERIFY_WRITE, Scope.VERDICT_READ)
SECRET = "s" * 43


@pytest.fixture
def settings(on_either: Settings) -> Settings:
    return on_either.model_copy(update={"anonymous": False, "session_required": False})


@pytest.fixture
def keys(settings: Settings) -> ApiKeys:
    return ApiKeys(VerdictStore.open(settings, Keys.open(settings).sealing).database)


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in more.items()}


def key_id(key: str) -> str:
    return key.split("_")[1]


def send(app: Any, key: str, **more: str) -> Any:
    return ask(app, "POST", "/v1/verifications", files=FILES, headers=bearer(key, **more))


@pytest.mark.parametrize("days", [None, 30.0])
def test_a_replaced_key_loses_no_verdict_and_no_retry(settings: Settings, keys: ApiKeys, days: float | None) -> None:
    app = create_app(settings, FakeVerifier())
    old = keys.create("backend", SCOPES)
    first = send(app, old, Idempotency_Key="one")
    new = keys.create("backend", SCOPES, days)
    assert ask(app, "GET", first.headers["location"], headers=bearer(old)).status_code == 200  # both are in force
    assert keys.revoke(key_id(old))
    assert ask(app, "GET", first.headers["location"], headers=bearer(old)).status_code == 401
    assert ask(app, "GET", first.headers["location"], headers=bearer(new)).json() == first.json()
    again = send(app, new, Idempotency_Key="one")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()
    lines = [json.loads(line) for line in settings.audit_log.read_text().splitlines()]
    read = [line["about"] for line in lines if line["event"] == "verdict_read"]
    assert [one["id"] for one in read] == [first.json()["id"]] * 3  # two by its address, and the repeated answer
    assert len(ask(app, "GET", "/v1/verifications", headers=bearer(new)).json()["items"]) == 1


def test_a_session_opened_with_one_key_is_used_with_another_of_the_client(settings: Settings, keys: ApiKeys) -> None:
    app = create_app(settings, FakeVerifier())
    one, two, other = (keys.create(name, SCOPES) for name in ("backend", "backend", "another"))
    session = ask(app, "POST", "/v1/capture-sessions", headers=bearer(one)).json()["id"]
    assert send(app, other, Capture_Session=session).json()["code"] == "session_unknown"
    assert send(app, two, Capture_Session=session).status_code == 201


def test_limits_belong_to_the_client_and_scopes_to_the_key(settings: Settings, keys: ApiKeys) -> None:
    app = create_app(settings.model_copy(update={"rate_per_minute": 3}), FakeVerifier())
    one, two, other = (keys.create(name, [Scope.VERDICT_READ]) for name in ("backend", "backend", "another"))
    narrow = keys.create("backend", [Scope.METRICS_READ])
    answers = [ask(app, "GET", "/v1/verifications", headers=bearer(key)).status_code for key in (one, two, one, two)]
    assert answers == [200, 200, 200, 429]
    assert ask(app, "GET", "/v1/verifications", headers=bearer(other)).status_code == 200
    assert keys.find(narrow).scopes == {Scope.METRICS_READ}  # type: ignore[union-attr]


def test_clients_of_other_names_share_nothing(settings: Settings, keys: ApiKeys) -> None:
    app = create_app(settings, FakeVerifier())
    one, two = keys.create("backend", SCOPES), keys.create("Backend", SCOPES)
    place = send(app, one, Idempotency_Key="one").headers["location"]
    assert ask(app, "GET", place, headers=bearer(two)).status_code == 404
    assert "idempotency-replayed" not in send(app, two, Idempotency_Key="one").headers


def as_before_clients(engine: Engine) -> None:
    """A database as the version before clients left it: two keys of one name, each with a verdict."""
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for name, scopes in (("aaa", " ".join(SCOPES)), ("bbb", "verdict:read")):
            row = {"id": name, "hash": _hashed(SECRET), "scopes": scopes}
            connection.execute(
                text(
                    "INSERT INTO api_keys (id, name, hash, scopes, created_at)"
                    " VALUES (:id, 'backend', :hash, :scopes, '2026-01-01T00:00:00+00:00')"
                ),
                row,
            )


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = None
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.database(empty=True)
    settings = Settings(data_dir=tmp_path / "data", database_url=url, anonymous=False, session_required=False)
    Keys.open(settings)
    address = f"sqlite:///{settings.database}" if url is None else url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(address)
    as_before_clients(engine)
    engine.dispose()
    return settings


def test_keys_from_before_keep_their_verdicts_and_are_joined_only_by_the_operator(before: Settings) -> None:
    store = VerdictStore.open(before, Keys.open(before).sealing)
    keys = ApiKeys(store.database)
    one, two = f"idp_aaa_{SECRET}", f"idp_bbb_{SECRET}"
    store.save("ver_" + "0" * 26, {"id": "ver_" + "0" * 26, "reasons": []}, "key:aaa")
    app = create_app(before, FakeVerifier())
    assert ask(app, "GET", "/v1/verifications/ver_" + "0" * 26, headers=bearer(one)).status_code == 200
    assert ask(app, "GET", "/v1/verifications/ver_" + "0" * 26, headers=bearer(two)).status_code == 404
    with pytest.raises(ValueError, match="several clients are named backend: key:aaa, key:bbb"):
        keys.create("backend", SCOPES)
    made = keys.create("backend 2027", SCOPES, client="key:aaa")
    assert ask(app, "GET", "/v1/verifications/ver_" + "0" * 26, headers=bearer(made)).status_code == 200
    keys.merge("key:bbb", "key:aaa")
    assert ask(app, "GET", "/v1/verifications/ver_" + "0" * 26, headers=bearer(two)).status_code == 200
    assert keys.find(keys.create("backend", SCOPES)).id == "key:aaa"  # type: ignore[union-attr]


def test_the_client_commands_list_and_merge(tmp_path: Path) -> None:
    def run(*arguments: str) -> Ended:
        return idproof(*arguments, "--data-dir", tmp_path)

    def create(*more: str) -> Ended:
        return run("key", "create", "--scope", "verdict:read", *more)

    first = create("--name", "backend")
    assert first.stderr == ""
    second = create("--name", "backend")
    assert "now has 2 keys in force" in second.stderr
    assert "there is no client nobody" in create("--name", "x", "--client", "nobody").stderr
    create("--name", "old")
    (backend,) = [line.split()[0] for line in run("client", "list").stdout.splitlines() if "backend  2 keys" in line]
    assert run("client", "merge", "old", "backend").stdout.endswith(f" is now {backend}\n")
    assert "backend  3 keys" in run("client", "list").stdout
    assert run("key", "list").stdout.count(f"of {backend}\n") == 3
    assert run("client", "merge", "old", "backend").returncode == 2
    assert "clients_merged" in (tmp_path / "audit.jsonl").read_text()
    for client in ("backend", backend, f"key:{key_id(first.stdout)}"):
        run("kiosk", "enroll", "--name", "Counter", "--client", client)
    assert run("kiosk", "enroll", "--name", "Counter", "--client", "nobody").returncode == 2
    with sqlite3.connect(tmp_path / "verdicts.sqlite") as database:
        assert database.execute("select client from kiosks").fetchall() == [(backend,)] * 3
    database.close()


def test_a_merge_during_a_verification_loses_no_verdict(settings: Settings, keys: ApiKeys) -> None:
    remaining, joined = keys.create("backend", SCOPES), keys.create("older", SCOPES)
    app = create_app(settings, FakeVerifier(lambda: keys.merge(keys.resolve("older"), keys.resolve("backend"))))
    sent = send(app, joined)
    assert sent.status_code == 201
    for key in (remaining, joined):
        assert ask(app, "GET", sent.headers["location"], headers=bearer(key)).json() == sent.json()


@pytest.mark.parametrize("by_device", [False, True])
def test_no_permit_that_one_client_granted_another_outlives_their_merge(
    settings: Settings, keys: ApiKeys, by_device: bool
) -> None:
    """The remaining client would use a permit that it granted itself."""
    app = create_app(settings, FakeVerifier())
    made = {name: keys.create(name, [*SCOPES, Scope.PERMIT_WRITE]) for name in ("older", "backend", "third")}
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    sessions, kiosks = Ledger(store).sessions, Kiosks(store.database, store.seal)

    def grant(granting: str, name: str) -> PermitUse:
        """A permit for a client, or for a device of its own."""
        client = keys.resolve(name)
        device = kiosks.enroll("Counter 3", client).split("_")[1]
        wanted = {"options": ["cannot_turn"], **({"device": device} if by_device else {"client": client})}
        answer = ask(app, "POST", "/v1/permits", json=wanted, headers=bearer(made[granting]))
        assert answer.status_code == 201
        return PermitUse(
            answer.json()["permit"], device_holder(device) if by_device else client_holder(client), no_line
        )

    another = grant("older", "third")
    granted = [grant("older", "backend"), grant("backend", "older")]
    keys.merge(keys.resolve("older"), keys.resolve("backend"))
    remaining = client_holder(keys.resolve("backend"))
    for permit in [*granted, *(replace(each, holder=remaining) for each in granted)]:
        with pytest.raises(ServiceProblem, match="no such permit"):
            sessions.open("anybody", Options(cannot_turn=True), permit=permit)
    assert sessions.open("anybody", Options(cannot_turn=True), permit=another).permitted == ("cannot_turn",)


def no_line(*_: object) -> None:
    """Records no use of a permit."""
