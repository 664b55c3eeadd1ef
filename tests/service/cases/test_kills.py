"""Events of registrations while the processes that make and deliver them are killed: none lost, none doubled."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from peers import IdentityCore, running
from sqlalchemy import select

from idproof.service.cases.states import RegistrationEvent, RegistrationStatus, follows
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.reviews.statement import TYPE
from idproof.service.signing.jws import payload_hash, verify
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import VerdictStore
from idproof.service.storage.schema import VERIFICATIONS
from idproof.service.storage.schema_registrations import REGISTRATION_EVENTS

SUPPORT = Path(__file__).parents[2] / "support"
PROGRAM = SUPPORT / "killed_registrations.py"


def run(folder: Path, core: IdentityCore, actions: int, longest_s: float) -> int:
    """Returns the number of kills, which are at most so many seconds apart."""
    environment = os.environ | {"PYTHONPATH": str(SUPPORT), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, str(PROGRAM), str(folder), core.url, "27", str(actions), str(longest_s)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1])


def check(folder: Path, core: IdentityCore) -> None:
    """Compares what the core has with the database and with what was acknowledged."""
    settings = Settings(data_dir=folder / "data")
    ring = KeyRing(settings)
    store = VerdictStore.open(settings, ring.current.sealing)
    with store.database.read() as connection:
        stored = connection.execute(select(REGISTRATION_EVENTS)).all()
        verdicts = set(connection.execute(select(VERIFICATIONS.c.id)).scalars())
    told = [event for event in core.order if "number" in event]
    numbers = Counter((event["registration"], event["number"]) for event in told)
    assert set(numbers) == {(row.registration, row.number) for row in stored}  # none lost, none invented
    assert set(numbers.values()) == {1}  # none doubled: one id for each
    delivered = [event["verification"] for event in core.order if "verdict" in event]
    assert sorted(delivered) == sorted(verdicts)
    assert core.changed == 0  # the same id said the same each time
    last: dict[str, tuple[int, RegistrationStatus]] = {}
    for event in told:
        status, cause = RegistrationStatus(event["status"]), RegistrationEvent(event["event"])
        number, before = last.get(event["registration"], (0, None))
        assert event["number"] == number + 1  # in order
        assert status == (RegistrationStatus.OPEN if before is None else follows(before, cause))
        last[event["registration"]] = event["number"], status
    arrived = {event["registration"] for event in told} | set(delivered)
    arrived |= {event["statement_sha256"] for event in told}
    acknowledged = [line.split()[0] for line in (folder / "acknowledged").read_text().splitlines()]
    assert set(acknowledged) <= arrived
    check_reviews(core, ring)
    AuditLog.open(settings, ring).check()
    store.close()


def check_reviews(core: IdentityCore, ring: KeyRing) -> None:
    """Holds each review that the core was told of to its statements, and to the registration's event that follows."""
    told = [event for event in core.order if "review" in event]
    assert len({event["review"] for event in told}) == len(told)  # none doubled
    moved = [event for event in core.order if event.get("event", "").startswith("review_")]
    assert len(moved) == len(told)  # none lost
    following = Counter(event["statement_sha256"] for event in moved)
    for event in told:
        claims = [verify(statement, ring.current.public(), TYPE) for statement in event["statements"]]
        assert len({one["officer"] for one in claims}) == len(claims)
        before = [None, *(payload_hash(statement) for statement in event["statements"])]
        assert [one["first_sha256"] for one in claims] == before[:-1]
        assert claims[-1]["outcome"]["decision"] == event["decision"]
        assert following[before[-1] or ""] == 1


def test_no_event_is_lost_or_doubled_while_both_processes_are_killed(tmp_path: Path) -> None:
    with running(IdentityCore()) as core:
        kills = run(tmp_path, core, 150, 3.0)
        check(tmp_path, core)
        assert len(core.order) > 150
    assert kills >= 2


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_events_with_kills_between_review_retry_and_delivery(tmp_path: Path) -> None:
    with running(IdentityCore()) as core:
        kills = run(tmp_path, core, 6_800, 8.0)
        check(tmp_path, core)
        events = len(core.order)  # of verdicts, and of registrations
        kinds = Counter(event["event"] for event in core.order if "event" in event)
    assert events >= 10_000, events
    assert kills >= 50
    assert min(kinds["review_accepted"], kinds["verdict_to_records"], kinds["counter_refused"]) > 50
    sys.stdout.write(f"{events} events, {kills} kills: 0 lost, 0 doubled; {dict(kinds)}\n")
