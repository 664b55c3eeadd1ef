"""Sessions and challenges that nobody uses are bounded: at once, per hour, on every server; honest kiosks are not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from idproof.service.errors import ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger, SessionRules, Ticket, VerdictStore, leases, session_limits, sessions
from idproof.service.storage.ledger import FAILED, Progress
from idproof.service.storage.session_limits import CLIENT_BOUNDS, DEVICE_BOUNDS, Bounds

SEALING = bytes(range(32))
SMALL = SessionRules(client=Bounds(5, 8), device=Bounds(3, 6))
START = 1_790_000_000.0


class Clock:
    """A clock of the storage that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        for module in (session_limits, sessions, leases):
            monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: self.now))


@pytest.fixture
def store(on_either: Settings) -> VerdictStore:
    return VerdictStore.open(on_either, SEALING)


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> ServiceProblem:
    with pytest.raises(ServiceProblem) as caught:
        call(*arguments, **named)
    assert caught.value.code == "too_many_sessions"
    assert caught.value.retry_after is not None
    return caught.value


def opens(books: Ledger, client: str, **named: Any) -> bool:
    """Returns whether a session is opened."""
    try:
        books.sessions.open(client, **named)
    except ServiceProblem as problem:
        if problem.code != "too_many_sessions":
            raise
        return False
    return True


@contextmanager
def one_transaction(store: VerdictStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets many calls share one transaction, since a disk takes long for each; a refusal changes nothing either way."""
    with store.database.write() as connection:

        @contextmanager
        def write(*_: str) -> Iterator[Connection]:
            with connection.begin_nested():
                yield connection

        monkeypatch.setattr(store.database, "write", write)
        yield


def finish(books: Ledger, session: str, *, answered: bool = True, client: str = "client") -> None:
    ticket = books.begin(client, session, None)
    assert isinstance(ticket, Ticket)

    def store_more(connection: Any) -> None:
        if answered:
            books.sessions.limits.answered(connection, session)
            books.sessions.limits.plan_followed(connection, session)

    books.finish(ticket, {"form": {}}, None, store_more)


def test_five_hundred_sessions_are_not_opened_by_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one client, which names another device each time, and by one enrolled device."""
    store = VerdictStore.open(Settings(data_dir=tmp_path), SEALING)
    with one_transaction(store, monkeypatch):
        books = Ledger(store)
        assert sum(opens(books, "client", device=f"device-{number}") for number in range(500)) == CLIENT_BOUNDS.sessions
        assert sum(opens(books, "another", device="kiosk", enrolled=True) for _ in range(500)) == DEVICE_BOUNDS.sessions
        assert opens(books, "another", device="kiosk 2", enrolled=True)  # one client may own many devices


def test_a_device_that_a_client_names_counts_beside_the_client(store: VerdictStore) -> None:
    books = Ledger(store, SMALL)
    for _ in range(3):
        books.sessions.open("client", device="tablet")
    refused(books.sessions.open, "client", device="tablet")
    for number in range(2):
        books.sessions.open("client", device=f"other-{number}")
    refused(books.sessions.open, "client")
    books.sessions.open("another client", device="tablet")


def test_a_client_that_names_a_kiosk_over_http_neither_fills_nor_locks_it(store: VerdictStore) -> None:
    books = Ledger(store, SMALL)
    named = [books.sessions.open("client", device="kiosk", planned=True) for _ in range(3)]
    refused(books.sessions.open, "client", device="kiosk")
    with store.database.write() as connection:
        for _ in range(books.sessions.rules.lockout.failures):
            books.sessions.failed(connection, named[0])
    with pytest.raises(ServiceProblem, match="failures on this device"):
        books.sessions.open("client", device="kiosk")
    kiosk = books.sessions.open("client", device="kiosk", planned=True, enrolled=True)
    with store.database.write() as connection:
        for _ in range(books.sessions.rules.lockout.failures):
            books.sessions.failed(connection, kiosk)
    with pytest.raises(ServiceProblem, match="failures on this device"):
        books.sessions.open("client", device="kiosk", planned=True, enrolled=True)


def test_it_holds_after_a_restart_and_on_every_server(on_either: Settings) -> None:
    one, other = (Ledger(VerdictStore.open(on_either, SEALING), SMALL) for _ in range(2))
    for number in range(5):
        (one if number % 2 else other).sessions.open("client")
    for books in (one, other, Ledger(VerdictStore.open(on_either, SEALING), SMALL)):
        refused(books.sessions.open, "client")


def test_many_at_once_open_no_more_than_one_after_the_other(on_either: Settings) -> None:
    servers = [Ledger(VerdictStore.open(on_either, SEALING), SMALL) for _ in range(4)]

    def attempt(number: int) -> bool:
        return opens(servers[number % 4], "client", device=f"d{number % 2}" if number % 3 else None)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(24))) == 5


def test_a_used_or_ended_session_makes_room_and_the_wait_is_told(
    store: VerdictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, books = Clock(monkeypatch), Ledger(store, SessionRules(client=Bounds(2, 100), lifetime_s=10**9))
    first = books.sessions.open("client")
    clock.now += 60
    second = books.sessions.open("client")
    assert refused(books.sessions.open, "client").retry_after == 540
    finish(books, first.id)
    third = books.sessions.open("client")
    refused(books.sessions.open, "client")
    books.sessions.end(second.id)
    books.sessions.open("client")
    problem = refused(books.sessions.open, "client")
    assert problem.retry_after is not None
    clock.now += problem.retry_after
    books.sessions.open("client")
    assert third.id


@pytest.mark.parametrize("enrolled", [True, False])
def test_a_plan_counts_for_an_hour_even_if_its_session_ends(
    store: VerdictStore, monkeypatch: pytest.MonkeyPatch, enrolled: bool
) -> None:
    bounds = Bounds(100, 6)
    clock, books = Clock(monkeypatch), Ledger(store, SessionRules(client=bounds, device=bounds, lifetime_s=10**9))
    if not enrolled:  # challenges alone must not be what refuses
        monkeypatch.setattr(books.sessions.limits, "count_challenge", lambda *_: None)

    def start() -> str:
        return books.sessions.open("client", device="kiosk", planned=True, enrolled=enrolled).id

    for _ in range(4):
        books.sessions.end(start())
        clock.now += 1
    finish(books, start(), answered=False)  # a verdict whose captures did not follow the plan
    followed = start()
    assert refused(start).retry_after == 3596
    finish(books, followed)
    books.sessions.end(start())
    refused(start)
    books.sessions.open("client", device="kiosk", enrolled=enrolled)  # without a plan there is nothing to grind
    clock.now += 3596.1
    books.sessions.end(start())
    refused(start)


def test_a_request_without_pictures_does_not_use_a_session(store: VerdictStore) -> None:
    books = Ledger(store, SMALL)
    for _ in range(5):
        ticket = books.begin("client", books.sessions.open("client").id, None)
        assert isinstance(ticket, Ticket)
        books.fail(ticket, Progress(FAILED, "upload_malformed", 400, "Malformed."), return_attempt=True)
    refused(books.sessions.open, "client")


def test_challenges_are_bounded_per_hour_until_they_are_answered(
    store: VerdictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, books = Clock(monkeypatch), Ledger(store, SessionRules(client=Bounds(100, 8), lifetime_s=10**9))
    used = books.sessions.open("client").id
    other = books.sessions.open("client").id
    for session in (used, used, used, other, other):
        books.ask_again("client", session)
    finish(books, used, answered=False)  # its liveness failed, so nothing is given back
    last = books.sessions.open("client").id
    refused(books.sessions.open, "client")
    problem = refused(books.ask_again, "client", other)
    assert problem.retry_after == 3600
    finish(books, last)
    books.ask_again("client", other)
    refused(books.sessions.open, "client")
    clock.now += 3600.1
    books.sessions.open("client")


@pytest.mark.parametrize("abandoned", [True, False], ids=["all walk away", "all are registered"])
def test_an_honest_kiosk_never_meets_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abandoned: bool) -> None:
    """A person every minute for two hours, three tries each, and each try a session or a challenge of one session."""
    clock = Clock(monkeypatch)
    store = VerdictStore.open(Settings(data_dir=tmp_path), SEALING)
    books = Ledger(store, SessionRules(lifetime_s=10**9))
    with one_transaction(store, monkeypatch):
        for person in range(120):
            opened = 3 if person < 70 else 1
            tries = [
                books.sessions.open("kiosk", device="kiosk", planned=True, enrolled=True).id for _ in range(opened)
            ]
            for session in tries * (3 // opened):
                clock.now += 20
                books.ask_again("kiosk", session)
            if not abandoned:
                finish(books, tries[-1], client="kiosk")


def test_the_account_is_deleted_when_it_no_longer_counts(store: VerdictStore, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, books = Clock(monkeypatch), Ledger(store, SMALL)
    books.sessions.open("client")
    clock.now += 3601
    books.clean(days=30, idempotency_hours=24)
    with store.database.read() as connection:
        assert connection.execute(session_limits.ASKED.select()).all() == []


def test_nothing_of_a_refused_session_is_stored(store: VerdictStore) -> None:
    books = Ledger(store, SMALL)
    for _ in range(5):
        books.sessions.open("client")
    with store.database.read() as connection:
        before = connection.execute(session_limits.ASKED.select()).all()
    refused(books.sessions.open, "client", device="new")
    with store.database.read() as connection:
        assert connection.execute(session_limits.ASKED.select()).all() == before


@given(st.lists(st.sampled_from(["open", "ask", "finish", "wait"]), max_size=40))
@hypothesis_settings(max_examples=20, deadline=None)
def test_whatever_the_order_the_bounds_hold(tmp_path_factory: pytest.TempPathFactory, acts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        store = VerdictStore.open(Settings(data_dir=tmp_path_factory.mktemp("acts")), SEALING)
        books = Ledger(store, SessionRules(client=Bounds(3, 7), challenges=1000, lifetime_s=10**9))
        waiting: list[tuple[float, str]] = []
        asked: list[tuple[float, str]] = []
        with one_transaction(store, patch):
            for act in acts:
                clock.now += 1
                try:
                    if act == "wait":
                        clock.now += 400
                    elif act == "open":
                        session = books.sessions.open("client").id
                        waiting.append((clock.now, session))
                        asked.append((clock.now, session))
                    elif waiting and act == "ask":
                        books.ask_again("client", waiting[-1][1])
                        asked.append((clock.now, waiting[-1][1]))
                    elif waiting:
                        _, session = waiting.pop()
                        finish(books, session)
                        asked.remove(max(entry for entry in asked if entry[1] == session))
                except ServiceProblem as problem:
                    if problem.code != "too_many_sessions":
                        raise
                assert sum(at > clock.now - 600 for at, _ in waiting) <= 3
                assert sum(at > clock.now - 3600 for at, _ in asked) <= 7
        store.close()
