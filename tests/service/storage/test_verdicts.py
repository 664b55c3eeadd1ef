"""Stored verdicts, on SQLite and on PostgreSQL."""

import importlib
import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres import Cluster
from sqlalchemy import delete, select, update

from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database, VerdictStore, engine, migrate
from idproof.service.storage.schema import FACTS, METADATA, VERIFICATIONS

VERDICT = {"id": "ver_1", "decision": "accept", "fields": {"number": {"text": "A123456(3)"}}}
OF_A_PERSON = {"form": {"number": "A1234563"}}


@pytest.fixture
def keys(on_either: Settings) -> Keys:
    return Keys.open(on_either)


@pytest.fixture
def store(on_either: Settings, keys: Keys) -> VerdictStore:
    return VerdictStore.open(on_either, keys.sealing)


def test_a_stored_verdict_is_read_back(on_either: Settings, keys: Keys, store: VerdictStore) -> None:
    store.save("ver_1", VERDICT)
    assert store.load("ver_1") == VERDICT
    assert store.load("ver_2") is None
    assert store.ready()
    store.close()
    assert VerdictStore.open(on_either, keys.sealing).load("ver_1") == VERDICT


def test_a_copy_of_the_database_reveals_nothing_of_a_card(store: VerdictStore) -> None:
    store.save("ver_1", VERDICT | OF_A_PERSON)
    with store.database.read() as connection:
        row = connection.execute(select(VERIFICATIONS)).one()
    for value in row:
        data = value if isinstance(value, bytes) else str(value).encode()
        assert b"A123456" not in data
        assert b"accept" not in data


def test_a_row_moved_to_another_id_does_not_open(store: VerdictStore) -> None:
    store.save("ver_1", VERDICT)
    with store.database.write() as connection:
        connection.execute(update(VERIFICATIONS).values(id="ver_2"))
    with pytest.raises(StoreUnavailable):
        store.load("ver_2")


@pytest.mark.parametrize("noted", [True, False])
def test_another_sealing_key_is_refused_before_anything_is_written(
    on_either: Settings, store: VerdictStore, noted: bool
) -> None:
    store.save("ver_1", VERDICT)
    if not noted:  # as an earlier version left it
        with store.database.write() as connection:
            connection.execute(delete(FACTS))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="another key"):
            VerdictStore.open(on_either, bytes(32))


def test_a_database_error_does_not_show_the_data(store: VerdictStore) -> None:
    store.save("ver_1", VERDICT)
    with pytest.raises(StoreUnavailable) as caught:
        store.save("ver_1", VERDICT)
    assert "ver_1" not in str(caught.value)


def test_a_failed_transaction_stores_nothing(store: VerdictStore) -> None:
    def half() -> None:
        with store.database.write() as connection:
            store.insert(connection, "ver_1", VERDICT, "one")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half()
    assert store.load("ver_1") is None


def test_erasing_a_person_erases_all_of_their_verdicts_and_no_other(store: VerdictStore) -> None:
    for name, document in (("ver_1", OF_A_PERSON), ("ver_2", OF_A_PERSON), ("ver_3", {"form": {"number": None}})):
        store.save(name, document)
    assert sorted(store.erase_person("a123456(3)")) == ["ver_1", "ver_2"]
    assert store.erase_person("") == []
    assert store.load("ver_3") == {"form": {"number": None}}


def test_old_verdicts_expire_and_no_other(store: VerdictStore) -> None:
    for name in ("ver_1", "ver_2"):
        store.save(name, VERDICT)
    with store.database.write() as connection:
        old = update(VERIFICATIONS).where(VERIFICATIONS.c.id == "ver_1")
        connection.execute(old.values(created_at="2020-01-01T00:00:00+00:00"))
    assert store.expire(30) == ["ver_1"]
    assert store.expire(30) == []


def test_pages_begin_with_the_newest_and_hold_only_the_clients_own(store: VerdictStore) -> None:
    for n in range(5):
        store.save(f"ver_{n}", {"n": n}, client="one" if n != 2 else "two")
    first = store.page("one", None, 2)
    assert [d["n"] for d in first] == [4, 3]
    assert [d["n"] for d in store.page("one", "ver_3", 9)] == [1, 0]
    assert [d["n"] for d in store.page(None, None, 9)] == [4, 3, 2, 1, 0]
    assert store.load("ver_2", client="one") is None
    assert store.load("ver_2", client="two") == {"n": 2}


def test_the_migrations_produce_the_described_tables(empty_on_either: Settings) -> None:
    with Database.open(empty_on_either).read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == migrate.HEAD
    folder = Path(importlib.import_module("idproof.service.storage.migrations").__path__[0])
    assert ScriptDirectory(folder).get_heads() == [migrate.HEAD]


def test_several_workers_may_migrate_an_empty_database_at_once(empty_on_either: Settings, keys: Keys) -> None:
    failed: list[Exception] = []

    def start() -> None:
        try:
            VerdictStore.open(empty_on_either, keys.sealing).close()
        except StoreUnavailable as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_worker_waits_for_a_migration_longer_than_for_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: Cluster
) -> None:
    monkeypatch.setattr(engine, "_LOCK_WAIT_S", 1)
    url = postgresql.database(empty=True)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (migrate._LOCK,))
        opened: list[VerdictStore] = []
        settings = Settings(data_dir=tmp_path, database_url=url)
        thread = threading.Thread(target=lambda: opened.append(VerdictStore.open(settings, bytes(32))))
        thread.start()
        thread.join(2)  # twice the wait of a request
        assert opened == []
        other.execute("SELECT pg_advisory_unlock(%s)", (migrate._LOCK,))
        thread.join(60)
    assert len(opened) == 1
    opened[0].close()


@pytest.mark.parametrize("person", [True, False])
def test_a_sqlite_database_of_an_earlier_version_is_migrated(tmp_path: Path, person: bool) -> None:
    settings = Settings(data_dir=tmp_path)
    with sqlite3.connect(settings.database) as database:
        more = ", person blob" if person else ""
        database.execute(
            f"create table verifications (id varchar(30) primary key, created_at varchar(32) not null,"
            f" sealed blob not null{more})"
        )
        if person:
            database.execute("create index ix_verifications_person on verifications (person)")
    store = VerdictStore.open(settings, bytes(32))
    store.save("ver_1", OF_A_PERSON)
    assert store.erase_person("A1234563") == ["ver_1"]


def test_the_sqlite_file_is_readable_by_its_owner_only_in_any_folder(tmp_path: Path) -> None:
    named = Settings(data_dir=tmp_path / "data?mode=memory")
    VerdictStore.open(named, bytes(32)).save("ver_1", VERDICT)
    assert VerdictStore.open(named, bytes(32)).load("ver_1") == VERDICT
    assert named.database.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql://nobody:hunter2@127.0.0.1:1/none"])
def test_an_unusable_database_address_is_one_clear_error(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").write_text("")
    for settings in (Settings(data_dir=tmp_path / "file"), Settings(data_dir=tmp_path, database_url=url)):
        with pytest.raises(StoreUnavailable) as caught:
            Database.open(settings)
        assert "hunter2" not in f"{caught.value}{settings!r}"


def test_the_database_address_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: Cluster
) -> None:
    (tmp_path / "idproof_database_url").write_text(postgresql.database() + "\n")
    monkeypatch.setenv("IDPROOF_SECRETS_DIR", str(tmp_path))
    assert not Database.open(Settings.load(data_dir=tmp_path)).is_sqlite


def test_the_service_survives_a_restart_of_the_database(tmp_path: Path, postgresql: Cluster) -> None:
    store = VerdictStore.open(Settings(data_dir=tmp_path, database_url=postgresql.database()), bytes(32))
    store.save("ver_1", VERDICT)
    postgresql.stop("immediate")
    try:
        assert store.ready() is False
        with pytest.raises(StoreUnavailable):
            store.save("ver_2", VERDICT)
    finally:
        postgresql.start()
    store.save("ver_3", VERDICT)
    assert [store.load(f"ver_{n}") is not None for n in (1, 2, 3)] == [True, False, True]
