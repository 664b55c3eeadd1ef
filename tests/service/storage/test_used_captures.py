"""The same bytes answer in one registration: on both databases, at once, across days, and for a limited time."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from idproof.service.errors import ServiceProblem, StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger, Ticket, VerdictStore, used_captures
from idproof.service.storage.ledger import FAILED, Progress
from idproof.service.storage.schema import OPERATIONS, USED_CAPTURES

SEALING = bytes(range(32))
DAY_S = 86_400


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 20_000 * DAY_S + 3600.0  # an hour after midnight
        monkeypatch.setattr(used_captures, "time", SimpleNamespace(time=lambda: self.now))


@pytest.fixture
def store(on_either: Settings) -> VerdictStore:
    return VerdictStore.open(on_either, SEALING)


@pytest.fixture
def ledger(store: VerdictStore) -> Ledger:
    return Ledger(store)


def begin(ledger: Ledger, session_id: str | None = None, key: str | None = None, client: str = "client") -> Ticket:
    ticket = ledger.begin(client, session_id, key)
    assert isinstance(ticket, Ticket)
    return ticket


def rows(store: VerdictStore) -> Sequence[Any]:
    with store.database.read() as connection:
        return connection.execute(select(USED_CAPTURES)).all()


def expire_lease(store: VerdictStore, ticket: Ticket) -> None:
    with store.database.write() as connection:
        connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == ticket.id).values(lease_ms=0))


def test_the_second_registration_learns_how_many_were_used(ledger: Ledger) -> None:
    one, other = begin(ledger), begin(ledger)
    assert ledger.use_captures(one, [b"a", b"b", b"c"]) == 0
    assert ledger.use_captures(other, [b"c", b"d", b"a"]) == 2
    assert ledger.use_captures(begin(ledger), [b"d"]) == 1  # also what came with a repeat is used
    assert ledger.use_captures(begin(ledger), [b"e"]) == 0
    assert ledger.use_captures(begin(ledger, client="another client"), [b"e"]) == 1


def test_a_registration_may_ask_twice_and_send_a_picture_twice(ledger: Ledger) -> None:
    ticket = begin(ledger)
    assert ledger.use_captures(ticket, [b"a", b"a"]) == 0
    assert ledger.use_captures(ticket, [b"a"]) == 0


def test_only_one_of_many_at_once_is_the_first(on_either: Settings) -> None:
    """Each on a connection of its own, with the captures in an order of its own."""
    ledgers = [Ledger(VerdictStore.open(on_either, SEALING)) for _ in range(4)]
    contents = [bytes([number]) * 32 for number in range(40)]

    def use(number: int) -> int:
        ledger = ledgers[number % len(ledgers)]
        mine = contents[number:] + contents[:number]
        return ledger.use_captures(begin(ledger), mine)

    for attempt in range(3):
        contents = [bytes([attempt]) + content[1:] + content for content in contents]
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(use, range(4))) == [0, 40, 40, 40]


def test_the_next_attempt_of_the_same_session_may_use_them_again(store: VerdictStore, ledger: Ledger) -> None:
    session = ledger.sessions.open("client")
    killed = begin(ledger, session.id)
    assert ledger.use_captures(killed, [b"a"]) == 0
    expire_lease(store, killed)
    assert ledger.use_captures(begin(ledger, session.id), [b"a"]) == 0
    with pytest.raises(ServiceProblem) as late:  # the killed one was only slow
        ledger.use_captures(killed, [b"a"])
    assert late.value.code == "request_in_progress"


def test_the_next_attempt_with_the_same_idempotency_key_may_use_them_again(store: VerdictStore, ledger: Ledger) -> None:
    killed = begin(ledger, key="key")
    assert ledger.use_captures(killed, [b"a"]) == 0
    expire_lease(store, killed)
    again = begin(ledger, key="key")
    assert ledger.use_captures(again, [b"a"]) == 0
    ledger.finish(again, {"form": {}}, b"fingerprint")
    assert ledger.use_captures(begin(ledger, key="another key"), [b"a"]) == 1


def test_what_led_to_no_verdict_was_not_used(ledger: Ledger) -> None:
    refused = begin(ledger)
    ledger.use_captures(refused, [b"a"])
    ledger.fail(refused, Progress(FAILED, "card_not_found", 422, "No card."))
    assert ledger.use_captures(begin(ledger), [b"a"]) == 0


def test_a_verdict_keeps_them_used_and_its_erasure_removes_the_link_alone(store: VerdictStore, ledger: Ledger) -> None:
    ticket = begin(ledger)
    ledger.use_captures(ticket, [b"a"])
    ledger.finish(ticket, {"form": {}}, None)
    assert {row.operation for row in rows(store)} == {ticket.id}
    assert store.erase(ticket.id) == [ticket.id]
    assert {row.operation for row in rows(store)} == {""}
    assert ledger.use_captures(begin(ledger), [b"a"]) == 1


@pytest.mark.parametrize("later_h", [0.1, 23.1, 47.0, 71.9])
def test_they_are_remembered_across_days(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, later_h: float) -> None:
    clock = Clock(monkeypatch)
    tickets = [begin(ledger) for _ in range(2)]
    assert ledger.use_captures(tickets[0], [b"a"]) == 0
    clock.now += later_h * 3600
    with ledger._database.write() as connection:
        ledger.used_captures.clean(connection)
    assert ledger.use_captures(tickets[1], [b"a"]) == 1


@pytest.mark.parametrize("ahead_h", [0.1, 12.0, 24.0])
def test_they_are_known_after_a_clock_that_was_ahead_is_set_right(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, ahead_h: float
) -> None:
    clock = Clock(monkeypatch)
    clock.now += 12 * 3600
    tickets = [begin(ledger) for _ in range(2)]
    clock.now += ahead_h * 3600
    assert ledger.use_captures(tickets[0], [b"a"]) == 0
    clock.now -= ahead_h * 3600
    assert ledger.use_captures(tickets[1], [b"a"]) == 1


def test_they_are_forgotten_after_the_time_of_the_settings(
    store: VerdictStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    ledger.use_captures(begin(ledger), [b"a"])
    clock.now += 72.1 * 3600
    ledger.clean(days=30, idempotency_hours=24)
    assert rows(store) == []
    assert ledger.use_captures(begin(ledger), [b"a"]) == 0


@pytest.mark.parametrize("before_s", [-59.0, -1.0, 0.0])
@pytest.mark.parametrize("after_s", [0.0, 1.0, 59.0])
def test_the_change_of_the_key_leaves_no_gap(
    store: VerdictStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, before_s: float, after_s: float
) -> None:
    """Two servers whose clocks stand before and after midnight must write one common row to notice each other."""
    clock = Clock(monkeypatch)
    macs = []
    for at in (before_s, after_s):
        clock.now = 20_000 * DAY_S + at
        ticket = begin(ledger)
        ledger.use_captures(ticket, [os.urandom(32)])
        written = ledger.used_captures._macs
        days = {used_captures._day(clock.now + near) for near in (-60, 0, 60)}
        macs.append({mac for day in days for _, mac in written(day, {b"a"})})
    assert macs[0] & macs[1]


def test_nothing_stored_can_be_tested_without_the_sealing_key(store: VerdictStore, ledger: Ledger) -> None:
    ledger.use_captures(begin(ledger), [b"a" * 32])
    other = Ledger(VerdictStore(store.database, type(store.seal)(bytes(32))))
    assert {row.mac for row in rows(store)}.isdisjoint(
        mac for day in range(20_000, 21_500) for _, mac in other.used_captures._macs(day, {b"a" * 32})
    )
    assert all(b"a" * 32 not in row.mac for row in rows(store))


def test_rows_of_different_days_cannot_be_compared(
    store: VerdictStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    clock.now += 12 * 3600
    ledger.use_captures(begin(ledger), [b"a"])
    clock.now += DAY_S
    ledger.use_captures(begin(ledger), [b"a"])
    assert len(rows(store)) == 2


def test_a_database_that_does_not_answer_records_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = begin(ledger)

    def fail(*_: Any) -> int:
        raise StoreUnavailable("Away.")

    with monkeypatch.context() as broken:
        broken.setattr(ledger.used_captures, "_of_others", fail)
        with pytest.raises(StoreUnavailable):
            ledger.use_captures(ticket, [b"a"])
    assert ledger.use_captures(begin(ledger), [b"a"]) == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 6), max_size=4)), max_size=12))
@hypothesis_settings(max_examples=30, deadline=None)
def test_a_capture_is_new_once(tmp_path_factory: pytest.TempPathFactory, uses: list[tuple[int, list[int]]]) -> None:
    """Against a plain account: which registration used each content first."""
    store = VerdictStore.open(Settings(data_dir=Path(tmp_path_factory.mktemp("uses"))), SEALING)
    ledger = Ledger(store)
    tickets = [begin(ledger) for _ in range(4)]
    first: dict[int, int] = {}
    for who, contents in uses:
        for content in contents:
            first.setdefault(content, who)
        expected = sum(first[content] != who for content in set(contents))
        assert ledger.use_captures(tickets[who], [bytes([content]) for content in contents]) == expected
    store.close()
