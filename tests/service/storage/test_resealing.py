"""Rotation of the sealing key: the newest seals, older ones open, and in the end they are gone."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import FILES, FakeVerifier, ask
from sqlalchemy import select, update
from typer.testing import CliRunner

from idproof.service.cli.main import assemble
from idproof.service.errors import KeysUnusable, StoreUnavailable
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import KeyRing, Keys
from idproof.service.storage import VerdictStore, resealing
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.ledger import sealed_name
from idproof.service.storage.resealing import reseal_all
from idproof.service.storage.schema import OPERATIONS, VERIFICATIONS
from idproof.service.storage.seal import Seal

DOCUMENT = {"form": {"number": "A123456(3)"}}


def opened(settings: Settings) -> VerdictStore:
    ring = KeyRing(settings)
    return VerdictStore.open(settings, ring.current.sealing, lambda: ring.current.newer_sealing)


def sealed(store: VerdictStore, table: Any = VERIFICATIONS) -> dict[str, bytes]:
    with store.database.read() as connection:
        rows = connection.execute(select(table.c.id, table.c.sealed).where(table.c.sealed.is_not(None))).all()
    return {row.id: row.sealed for row in rows}


def opens(key: bytes, name: str, data: bytes) -> bool:
    try:
        Seal(key).open(name, data)
    except StoreUnavailable:
        return False
    return True


def test_the_newest_key_seals_and_the_older_ones_open(on_either: Settings) -> None:
    store = opened(on_either)
    store.save("ver_1", DOCUMENT)
    secret = Kiosks(store.database, store.seal).secret("0123456789abcdef")
    first = Keys.open(on_either).sealing
    second = Keys.rotate_sealing(on_either).newer_sealing[-1]
    store.save("ver_2", DOCUMENT)  # by a service that ran all the while
    third = Keys.rotate_sealing(on_either).newer_sealing[-1]
    store.save("ver_3", DOCUMENT)
    found = sealed(store)
    keys = (first, second, third)
    assert [[opens(key, name, found[name]) for key in keys] for name in ("ver_1", "ver_2", "ver_3")] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    for reader in (store, opened(on_either)):
        assert [reader.load(name) for name in ("ver_1", "ver_2", "ver_3")] == [DOCUMENT] * 3
    # What is derived stays: devices keep their keys, and a person's verdicts are found.
    assert Kiosks(store.database, opened(on_either).seal).secret("0123456789abcdef") == secret
    assert sorted(store.erase_person("A123456(3)")) == ["ver_1", "ver_2", "ver_3"]


def test_every_row_is_sealed_anew_and_the_superseded_keys_go(on_either: Settings) -> None:
    store = opened(on_either)
    for number in range(450):  # more than one transaction takes
        store.save(f"ver_{number:04}", DOCUMENT | {"number": number})
    second = Keys.rotate_sealing(on_either).newer_sealing[-1]
    store.save("ver_later", DOCUMENT)
    third = Keys.rotate_sealing(on_either).newer_sealing[-1]
    assert reseal_all(store) == 451
    assert reseal_all(store) == 0
    found = sealed(store)
    assert all(opens(third, name, data) for name, data in found.items())
    assert not any(opens(second, name, data) for name, data in found.items())
    assert store.load("ver_0449") == DOCUMENT | {"number": 449}

    assert Keys.drop_superseded(on_either, third) == 1  # the newest was made a moment ago
    assert Keys.open(on_either).newer_sealing == (second, third)
    settle(on_either)
    assert Keys.drop_superseded(on_either, third) == 0
    assert Keys.open(on_either).newer_sealing == (third,)
    assert store.load("ver_later") == DOCUMENT
    fourth = Keys.rotate_sealing(on_either)
    assert len(fourth.newer_sealing) == 2
    assert (on_either.keys_dir / "sealing-0004.key").stat().st_mode & 0o777 == 0o600


def run(settings: Settings, *command: str) -> Any:
    return CliRunner().invoke(assemble(benchmarks=False), ["keys", *command, "--data-dir", str(settings.data_dir)])


def settle(settings: Settings) -> None:
    before = time.time() - 120
    for path in settings.keys_dir.glob("sealing-*.key"):
        os.utime(path, (before, before))


def test_a_key_added_during_the_resealing_destroys_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    opened(settings).save("ver_1", DOCUMENT)
    second, third = [Keys.rotate_sealing(settings).newer_sealing[-1] for _ in range(2)]
    fourth = bytes(range(32))

    def interrupted(store: VerdictStore) -> int:
        """A key that no command of this version added, such as one that another host's folder brought."""
        rows = reseal_all(store)
        path = settings.keys_dir / "sealing-0004.key"
        path.write_bytes(fourth)
        path.chmod(0o600)
        settle(settings)
        return rows

    monkeypatch.setattr(resealing, "reseal_all", interrupted)
    done = run(settings, "reseal")
    assert done.exit_code == 0, done.output
    assert "run this again" in done.stderr
    assert Keys.open(settings).newer_sealing == (second, third, fourth)
    assert opened(settings).load("ver_1") == DOCUMENT

    monkeypatch.setattr(resealing, "reseal_all", reseal_all)
    assert run(settings, "reseal").exit_code == 0
    assert Keys.open(settings).newer_sealing == (fourth,)
    assert opened(settings).load("ver_1") == DOCUMENT


def test_no_key_is_added_and_no_second_resealing_starts_during_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    opened(settings).save("ver_1", DOCUMENT)
    newest = Keys.rotate_sealing(settings).newer_sealing
    refused: list[int] = []

    def interrupted(store: VerdictStore) -> int:
        monkeypatch.setattr(resealing, "reseal_all", reseal_all)
        refused.extend(run(settings, command).exit_code for command in ("rotate-sealing", "reseal"))
        with pytest.raises(KeysUnusable, match="Another command"):
            Keys.rotate_sealing(settings)
        return reseal_all(store)

    monkeypatch.setattr(resealing, "reseal_all", interrupted)
    assert run(settings, "reseal").exit_code == 0
    assert len(refused) == 2
    assert 0 not in refused
    assert Keys.open(settings).newer_sealing == newest
    assert len(Keys.rotate_sealing(settings).newer_sealing) == 2  # the lock ended with the command


def test_failed_verifications_are_sealed_anew_too(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    store = opened(settings)
    row = {"id": "ver_1", "client": "a", "state": "failed", "owner": "o", "lease_ms": 0, "created_at": "2026"}
    with store.database.write() as connection:
        kept = store.seal.close(sealed_name("ver_1"), {"reference": "r-1"})
        connection.execute(OPERATIONS.insert().values(row | {"sealed": kept}))
    newest = Keys.rotate_sealing(settings).newer_sealing[-1]
    assert reseal_all(store) == 1
    assert opens(newest, sealed_name("ver_1"), sealed(store, OPERATIONS)["ver_1"])


def test_a_row_that_changed_meanwhile_is_left_for_the_next_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    store = opened(settings)
    store.save("ver_1", DOCUMENT)
    Keys.rotate_sealing(settings)
    resealed = Seal.resealed

    def slow(seal: Seal, name: str, data: bytes) -> bytes | None:
        """Another transaction changes the row first, which a database with a lock per row allows."""
        monkeypatch.setattr(Seal, "resealed", resealed)
        return resealed(seal, name, data[:-1] + data[-1:]) and seal.close(name, DOCUMENT | {"late": True})

    monkeypatch.setattr(Seal, "resealed", slow)
    assert reseal_all(store) == 1
    assert store.load("ver_1") == DOCUMENT | {"late": True}


def test_a_row_of_an_unknown_key_stops_the_command_and_loses_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    store = opened(settings)
    store.save("ver_1", DOCUMENT)
    with store.database.write() as connection:
        connection.execute(update(VERIFICATIONS).values(sealed=Seal(bytes(32)).close("ver_1", DOCUMENT)))
    Keys.rotate_sealing(settings)
    with pytest.raises(StoreUnavailable):
        reseal_all(store)
    assert Keys.open(settings).newer_sealing


@pytest.mark.parametrize(("content", "mode"), [(b"short", 0o600), (bytes(32), 0o644)])
def test_a_newer_key_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, mode: int) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    Keys.open(settings)
    path = settings.keys_dir / "sealing-0002.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(KeysUnusable, match="sealing"):
        Keys.open(settings)


def test_an_operator_rotates_while_the_service_runs(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", session_required=False)
    app = create_app(settings, FakeVerifier())  # type: ignore[arg-type]
    first = ask(app, "POST", "/v1/verifications", files=FILES).headers["location"]

    assert "key 2" in run(settings, "rotate-sealing").stdout
    second = ask(app, "POST", "/v1/verifications", files=FILES).headers["location"]
    assert run(settings, "reseal").stdout.startswith("1 rows")
    assert [ask(app, "GET", place).status_code for place in (first, second)] == [200, 200]
    lines = [json.loads(line)["event"] for line in settings.audit_log.read_text().splitlines()]
    assert [line for line in lines if "seal" in line] == ["sealing_key_rotated", "rows_resealed"]
