"""The audit log names who made, rotated and revoked keys and devices, who read personal data, and who erased it."""

import json
from pathlib import Path
from typing import Any

import commands
import pytest
from access_keys import bearer, key
from fakes import FakeVerifier, ask

from idproof.service.auth.api_keys import ApiKeys, MadeKey
from idproof.service.auth.clients import Scope
from idproof.service.errors import AuditBroken
from idproof.service.http.app import create_app
from idproof.service.operations import actors
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks

ME = actors.operator()
CARD = "Z9182736"


def told(folder: Path, *options: object) -> list[tuple[str, dict[str, Any]]]:
    shown = commands.idproof("audit", "show", "--json", "--data-dir", folder, *options)
    assert shown.returncode == 0, shown.stderr
    return [(entry["event"], entry["about"]) for entry in map(json.loads, shown.stdout.splitlines())]


def test_keys_clients_and_devices_name_the_operator(tmp_path: Path) -> None:
    where = ("--data-dir", tmp_path)
    made = commands.idproof("key", "create", "--name", "backend", "--scope", "verdict:read", *where).stdout.split("_")
    more = commands.idproof("key", "create", "--name", "backend", "--scope", "admin", *where).stdout.split("_")
    assert commands.idproof("key", "revoke", made[1], *where).returncode == 0
    assert commands.idproof("key", "revoke", made[1], *where).returncode == 1  # again: no second line
    device = commands.idproof("kiosk", "enroll", "--name", "Counter 3", *where).stdout.split("_")[1]
    assert commands.idproof("kiosk", "revoke", device, *where).returncode == 0
    assert commands.idproof("keys", "rotate", *where).returncode == 0
    assert commands.idproof("keys", "rotate-sealing", *where).returncode == 0
    found = told(tmp_path)
    client = found[0][1]["client"]
    assert [event for event, _ in found] == [
        *("client_created", "api_key_created", "api_key_created", "api_key_revoked"),
        *("device_enrolled", "device_revoked", "signing_key_rotated", "sealing_key_rotated"),
    ]
    assert {about["by"] for _, about in found} == {ME}
    assert [about.get("key") for _, about in found[1:4]] == [made[1], more[1], made[1]]
    assert found[1][1]["scopes"] == ["verdict:read"]
    assert {about["client"] for _, about in found[:3]} == {client}
    assert found[4][1] == {"device": device, "client": f"kiosk:{device}", "by": ME}
    text = (tmp_path / "audit.jsonl").read_text()
    assert made[2].strip() not in text
    assert "backend" not in text


def test_a_key_or_device_without_its_line_is_not_made(tmp_path: Path) -> None:
    store, _ = open_verdicts_and_audit(tmp_path)
    keys, devices = ApiKeys(store.database), Kiosks(store.database, store.seal)

    def broken(*_: object) -> None:
        raise AuditBroken("The audit log cannot be used.")

    with pytest.raises(AuditBroken):
        keys.create("backend", [Scope.ADMIN], record=broken)
    with pytest.raises(AuditBroken):
        devices.enroll("Counter 3", record=broken)
    assert (keys.entries(), keys.clients(), devices.entries()) == ([], [], [])
    made: list[MadeKey] = []
    keys.create("backend", [Scope.ADMIN], record=made.append)
    with pytest.raises(AuditBroken):
        keys.revoke(made[0].id, broken)
    assert keys.entries()[0].revoked_at is None
    device = devices.enroll("Counter 3").split("_")[1]
    with pytest.raises(AuditBroken):
        devices.revoke(device, broken)
    assert devices.find(device) is not None


def test_reads_and_erasures_name_the_client(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, anonymous=False)
    app: Any = create_app(settings, FakeVerifier())
    store, _ = open_verdicts_and_audit(tmp_path)
    reader = bearer(key(settings, Scope.VERDICT_READ, client="reader"))
    everything = bearer(key(settings, Scope.VERDICT_READ, Scope.VERDICT_READ_ALL, client="auditor"))
    eraser = bearer(key(settings, Scope.ADMIN, client="data protection"))
    ids = {name: ApiKeys(store.database).resolve(name) for name in ("reader", "auditor", "data protection")}
    store.save("ver_" + "1" * 26, {"id": "ver_" + "1" * 26, "reasons": [], "form": {"number": CARD}}, "another")
    path = "/v1/verifications/ver_" + "1" * 26
    assert ask(app, "GET", path, headers=reader).status_code == 404
    assert ask(app, "GET", "/v1/verifications", headers=reader).json()["items"] == []
    assert ask(app, "GET", path, headers=everything).status_code == 200
    assert len(ask(app, "GET", "/v1/verifications", headers=everything).json()["items"]) == 1
    assert ask(app, "DELETE", path, headers=everything).status_code == 403, "reads, and does not erase"
    assert ask(app, "GET", path, headers=everything).status_code == 200
    assert ask(app, "DELETE", path, headers=eraser).status_code == 204
    read = ("verdict_read", {"id": "ver_" + "1" * 26, "by": ids["auditor"]})
    listed = ("verdicts_listed", {"count": 1, "by": ids["auditor"]})
    erased = ("erased", {"id": "ver_" + "1" * 26, "by": ids["data protection"]})
    assert told(tmp_path) == [read, listed, read, erased]
    assert told(tmp_path, "--by", ids["auditor"], "--event", "verdict_read") == [read, read]
    assert told(tmp_path, "--about", "ver_" + "1" * 26, "--last", 1) == [erased]
    assert told(tmp_path, "--since", "2999-01-01") == []
    assert CARD not in settings.audit_log.read_text()


def test_nothing_is_read_while_the_audit_log_cannot_be_written(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, anonymous=True)
    app: Any = create_app(settings, FakeVerifier())
    store, _ = open_verdicts_and_audit(tmp_path)
    store.save("ver_" + "1" * 26, {"id": "ver_" + "1" * 26, "reasons": [], "form": {"number": CARD}})
    settings.audit_head.write_text("no head")
    answer = ask(app, "GET", "/v1/verifications/ver_" + "1" * 26)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_broken")
    assert CARD not in answer.text


def test_show_has_a_line_per_event_and_refuses_a_changed_log(tmp_path: Path) -> None:
    _, audit = open_verdicts_and_audit(tmp_path)
    audit.append("verified", id="ver_1", decision="refer", reasons=["not_live", "card_overexposed"])
    audit.append("erased", id="ver_1", by="operator:somebody")
    where = ("--data-dir", tmp_path)
    lines = commands.idproof("audit", "show", *where).stdout.splitlines()
    assert lines[0].startswith("1  ")
    assert lines[0].endswith("verified  -  id=ver_1 decision=refer reasons=not_live,card_overexposed")
    assert lines[1].endswith("erased  operator:somebody  id=ver_1")
    assert len(commands.idproof("audit", "show", "--people", *where).stdout.splitlines()) == 1
    assert commands.idproof("audit", "show", "--event", "no_such", *where).returncode == 2
    log = tmp_path / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"somebody", b"nobody!!"))
    changed = commands.idproof("audit", "show", *where)
    assert (changed.returncode, changed.stdout) == (1, "")


def test_the_actor_of_sudo_is_who_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "alice")
    assert actors.operator() == "operator:alice"
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert actors.operator() == "operator:uid-4000000000"  # and SUDO_USER counts for root alone
