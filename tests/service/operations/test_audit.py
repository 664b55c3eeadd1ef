"""Every change to the audit log is found, and stored data is erased at the end of its retention or by command."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import commands
import pytest

from idproof.service.errors import AuditBroken
from idproof.service.operations import retention
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Ledger, VerdictStore

Change = Callable[[list[bytes]], list[bytes]]
DOCUMENT = {"id": "ver_1", "form": {"number": "A1234563"}, "decision": "accept"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys.open(settings)


@pytest.fixture
def audit(settings: Settings, keys: Keys) -> AuditLog:
    log = AuditLog.open(settings, keys)
    for number in range(5):
        log.append("verified", id=f"ver_{number}", decision="accept")
    return log


@pytest.fixture
def store(settings: Settings, keys: Keys) -> VerdictStore:
    return VerdictStore.open(settings, keys.sealing)


def edit(settings: Settings, change: Change) -> None:
    lines = settings.audit_log.read_bytes().splitlines(keepends=True)
    settings.audit_log.write_bytes(b"".join(change(lines)))


def test_an_unchanged_log_passes_the_check(settings: Settings, keys: Keys, audit: AuditLog) -> None:
    assert audit.check().count == 5
    again = AuditLog.open(settings, keys)
    again.append("erased", id="ver_0")
    assert again.check().count == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"accept", b"reject"), *lines[2:]], "Line 2 "),
        (lambda lines: [*lines[:2], *lines[3:]], "Line 3 "),
        (lambda lines: lines[1:], "Line 1 "),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "Line 1 "),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "Line 4 "),
        (lambda lines: lines[:-1], "cut off: it has 4 lines, its signed head says 5"),
        (lambda lines: [], "it has 0 lines"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], "last line"),
        (lambda lines: [*lines, b"not json\n"], "Line 6 "),
        (lambda lines: [*lines, b"[]\n"], "Line 6 "),
    ],
    ids=["changed", "gap", "first_gone", "swapped", "repeated", "cut", "emptied", "cut_in_a_line", "noise", "list"],
)
def test_every_change_is_found(settings: Settings, keys: Keys, audit: AuditLog, change: Change, message: str) -> None:
    edit(settings, change)
    with pytest.raises(AuditBroken, match=message):
        audit.check()
    with pytest.raises(AuditBroken, match=message):
        AuditLog.open(settings, keys)  # a service does not start with it


def test_any_single_byte_that_is_changed_is_found(settings: Settings, audit: AuditLog) -> None:
    data = settings.audit_log.read_bytes()
    for place in range(len(data)):
        settings.audit_log.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(AuditBroken):
            audit.check()


def test_a_log_rewritten_from_the_start_is_found_by_its_head(settings: Settings, audit: AuditLog, keys: Keys) -> None:
    forged = AuditLog(settings.data_dir / "forged", settings.data_dir / "forged.head", keys)
    forged._write_head(type(audit.check())())
    for number in range(5):
        forged.append("verified", id=f"ver_{number}", decision="reject")
    (settings.data_dir / "forged").replace(settings.audit_log)
    with pytest.raises(AuditBroken, match="does not vouch"):
        audit.check()


def test_a_missing_head_or_one_of_another_key_is_found(settings: Settings, audit: AuditLog, tmp_path: Path) -> None:
    original = settings.audit_head.read_text()
    other = Settings(data_dir=tmp_path / "other")
    settings.audit_head.write_text(AuditLog.open(other, Keys.open(other)).signed_head())
    with pytest.raises(AuditBroken, match="signature"):
        audit.check()
    settings.audit_head.unlink()
    with pytest.raises(AuditBroken, match="is gone"):
        audit.check()
    settings.audit_head.write_text(original)
    assert audit.check().count == 5


def test_an_old_log_restored_with_its_head_is_found_only_with_a_newer_copy_of_the_head(
    settings: Settings, audit: AuditLog
) -> None:
    old = settings.audit_log.read_bytes(), settings.audit_head.read_bytes()
    audit.append("erased", id="ver_3")
    newer = audit.signed_head()
    assert audit.check(newer).count == 6
    settings.audit_log.write_bytes(old[0])
    settings.audit_head.write_bytes(old[1])
    assert audit.check().count == 5  # the log alone does not show it
    with pytest.raises(AuditBroken, match="replaced"):
        audit.check(newer)


def test_an_event_that_a_crash_left_beyond_the_head_is_added_and_reported(
    settings: Settings, keys: Keys, audit: AuditLog
) -> None:
    head = settings.audit_head.read_bytes()
    audit.append("erased", id="ver_3")
    settings.audit_head.write_bytes(head)
    with pytest.raises(AuditBroken):
        audit.check()
    assert AuditLog.open(settings, keys).check().count == 7
    assert json.loads(settings.audit_log.read_bytes().splitlines()[-1])["event"] == "recovered"


def test_a_process_killed_before_it_signed_the_head_leaves_the_others_a_chain_that_holds(
    settings: Settings, keys: Keys, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = AuditLog.open(settings, keys)

    def killed(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(audit, "_write_head", killed)
        with pytest.raises(AuditBroken):
            audit.append("verified", id="ver_left")
    other.append("verified", id="ver_next")
    entries = [json.loads(line) for line in settings.audit_log.read_bytes().splitlines()]
    assert [entry["about"].get("id") or entry["event"] for entry in entries[-3:]] == [
        "ver_left",
        "recovered",
        "ver_next",
    ]
    other.check()
    AuditLog.open(settings, keys)


def test_events_from_many_threads_form_one_chain(audit: AuditLog) -> None:
    threads = [threading.Thread(target=audit.append, args=("expired",), kwargs={"count": n}) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.check().count == 25


def test_an_unknown_event_is_refused(audit: AuditLog) -> None:
    with pytest.raises(ValueError, match="event"):
        audit.append("looked at")


def old(settings: Settings, verdict_id: str) -> None:
    with sqlite3.connect(settings.database) as database:
        database.execute("update verifications set created_at = '2020-01-01T00:00:00+00:00' where id = ?", [verdict_id])


def test_the_retention_job_erases_old_verdicts_and_no_others(
    settings: Settings, store: VerdictStore, audit: AuditLog
) -> None:
    for name in ("ver_1", "ver_2"):
        store.save(name, DOCUMENT)
    old(settings, "ver_1")

    async def run_for_a_second() -> None:
        with anyio.move_on_after(1.0):
            await retention.run_retention(store, Ledger(store), audit, settings, period_s=0.05)

    anyio.run(run_for_a_second)
    assert (store.load("ver_1"), store.load("ver_2")) == (None, DOCUMENT)
    events = [json.loads(line) for line in settings.audit_log.read_bytes().splitlines()]
    assert [event["about"] for event in events if event["event"] == "expired"] == [{"count": 1, "by": "retention"}]


def test_every_verdict_of_a_card_number_is_erased(store: VerdictStore, audit: AuditLog) -> None:
    store.save("ver_1", DOCUMENT)
    store.save("ver_2", DOCUMENT)
    store.save("ver_3", {"form": {"number": "B1234563"}})
    store.save("ver_4", {"form": {"number": None}})
    assert retention.erase_person(store, audit, "a123456(3)", by="operator") == 2
    assert [store.load(f"ver_{n}") is None for n in (1, 2, 3, 4)] == [True, True, False, False]
    assert retention.erase_person(store, audit, "", by="operator") == 0


def test_an_erased_verdict_is_overwritten_in_the_database_files(settings: Settings, store: VerdictStore) -> None:
    store.save("ver_1", DOCUMENT)
    with sqlite3.connect(settings.database) as database:
        (sealed,) = database.execute("select sealed from verifications").fetchone()

    def is_stored() -> bool:
        return any(sealed[:40] in path.read_bytes() for path in settings.data_dir.glob("verdicts.sqlite*"))

    assert is_stored()
    assert store.erase("ver_1") == ["ver_1"]
    assert not is_stored()


def test_the_card_number_is_in_no_file_in_clear(settings: Settings, store: VerdictStore, audit: AuditLog) -> None:
    store.save("ver_1", DOCUMENT)
    retention.erase_person(store, audit, "A123456(3)", by="operator")
    for path in settings.data_dir.rglob("*"):
        assert path.is_dir() or b"A123456" not in path.read_bytes()


def test_a_database_of_an_earlier_version_is_migrated(settings: Settings, keys: Keys) -> None:
    with sqlite3.connect(settings.database) as database:
        database.execute("create table verifications (id varchar(30) primary key, created_at varchar(32), sealed blob)")
    store = VerdictStore.open(settings, keys.sealing)
    store.save("ver_1", DOCUMENT)
    assert store.erase_person("A1234563") == ["ver_1"]


def idproof(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "idproof.service", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONSAFEPATH": "1", "COLUMNS": "200"} | environment,
    )


def test_audit_and_verdict_commands(settings: Settings, store: VerdictStore, audit: AuditLog, tmp_path: Path) -> None:
    where = ("--data-dir", settings.data_dir)
    for name in ("ver_1", "ver_2"):
        store.save(name, DOCUMENT)
    assert "5 events" in commands.idproof("audit", "check", *where).stdout
    assert commands.idproof("verdict", "erase", "--id", "ver_1", *where).stdout == "1 erased\n"
    assert commands.idproof("verdict", "erase", "--id", "ver_1", *where).returncode == 1
    assert idproof("verdict", "erase", *where, stdin="A123456(3)\n").stdout == "1 erased\n"
    assert commands.idproof("verdict", "expire", *where).stdout == "0 erased\n"
    head = tmp_path / "head"
    head.write_text(commands.idproof("audit", "head", *where).stdout)
    assert "7 events" in commands.idproof("audit", "check", "--head", head, *where).stdout
    edit(settings, lambda lines: lines[:-1])
    done = commands.idproof("audit", "check", *where)
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "audit_broken")


def test_the_check_of_a_folder_without_an_audit_log_says_so(tmp_path: Path) -> None:
    done = commands.idproof("audit", "check", "--data-dir", tmp_path)
    assert (done.returncode, done.stderr) == (1, "audit_broken: There is no audit log in this data folder yet.\n")


def test_production_names_the_missing_guards_and_does_not_start(tmp_path: Path) -> None:
    done = idproof("serve", "--data-dir", tmp_path, "--port", "0", IDPROOF_PRODUCTION="1", IDPROOF_INSPECTABLE="1")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("guard_missing: ")
    assert "not_dumpable" in done.stderr
