"""Sessions and challenges that nobody uses are bounded: at once, per hour, on every server; honest kiosks are not."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import FILES, FakeVerifier, a_verdict, ask
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from stream_server import StreamVerifier, enroll, stream_server, with_device

from idproof.pipeline import CheckResult, Outcome, Status
from idproof.pipeline.card import plan
from idproof.service.errors import ServiceProblem
from idproof.service.http.app import create_app
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger, SessionRules, Ticket, VerdictStore, leases, session_limits, sessions
from idproof.service.storage.ledger import FAILED, Progress
from idproof.service.storage.session_limits import CLIENT_BOUNDS, DEVICE_BOUNDS, Bounds
from idproof.service.stream.simulator.device import Device, DeviceProblem

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


def test_over_http_the_answer_is_429_with_the_time_to_wait(tmp_path: Path) -> None:
    few = Settings(data_dir=tmp_path, client_unused_sessions=2)
    app = create_app(few, FakeVerifier())
    opened = [ask(app, "POST", "/v1/capture-sessions").json()["id"] for _ in range(2)]
    answer = ask(app, "POST", "/v1/capture-sessions")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_sessions")
    assert 0 < int(answer.headers["retry-after"]) <= 600
    files = FILES | {"selfie": ("selfie", os.urandom(50), "image/jpeg")}
    headers = {"Capture-Session": opened[0]}
    assert ask(app, "POST", "/v1/verifications", files=files, headers=headers).status_code == 201
    assert ask(app, "POST", "/v1/capture-sessions").status_code == 201


FOLLOWED = CheckResult(plan.NAME, Status.ASSESSED, Outcome.PASS, 0.4, "tolerances", 1.0, None, 0.6)
NOT_FOLLOWED = replace(FOLLOWED, outcome=Outcome.DOUBT, value=2.0, reason="capture_plan_not_followed")
NO_POSES = CheckResult.not_assessed(plan.NAME, "capture_plan_missing")


@pytest.mark.parametrize(("check", "status"), [(FOLLOWED, 201), (NOT_FOLLOWED, 429), (NO_POSES, 429)])
def test_only_captures_that_follow_the_plan_give_it_back(tmp_path: Path, check: CheckResult, status: int) -> None:
    few = Settings(
        data_dir=tmp_path, client_unanswered_challenges=1, accept_without_liveness_because="a test of plans alone"
    )
    verifier = FakeVerifier()
    verifier.verdict = replace(a_verdict(), checks=(check,))
    app, planned = create_app(few, verifier), {"capture_plan": True}
    headers = {"Capture-Session": ask(app, "POST", "/v1/capture-sessions", json=planned).json()["id"]}
    assert ask(app, "POST", "/v1/verifications", files=FILES, headers=headers).status_code == 201
    assert ask(app, "POST", "/v1/capture-sessions", json=planned).status_code == status


LIVE = CheckResult("liveness", Status.ASSESSED, Outcome.PASS, 0.4, "mean log score", 1.0, None, 0.6)
DEPTH = replace(LIVE, name="liveness_depth")
FLAT = replace(DEPTH, outcome=Outcome.FAIL, reason="face_flat")
INCOMPLETE = CheckResult.not_assessed("liveness", "liveness_incomplete")


@pytest.mark.parametrize(
    ("checks", "performed", "status"),
    [
        ((DEPTH, LIVE), True, 201),
        ((DEPTH, INCOMPLETE), True, 429),
        ((DEPTH,), True, 429),
        ((FLAT, replace(LIVE, outcome=Outcome.DOUBT, reason="not_live")), True, 429),
        ((), False, 429),
    ],
    ids=["held", "not assessed", "not fused", "failed", "not performed"],
)
def test_only_liveness_that_was_assessed_and_held_answers_a_challenge(
    tmp_path: Path, checks: tuple[CheckResult, ...], performed: bool, status: int
) -> None:
    verifier = FakeVerifier()
    verifier.verdict = replace(a_verdict(), checks=checks, not_performed=() if performed else ("liveness",))
    app = create_app(Settings(data_dir=tmp_path, client_unanswered_challenges=1), verifier)
    headers = {"Capture-Session": ask(app, "POST", "/v1/capture-sessions").json()["id"]}
    assert ask(app, "POST", "/v1/verifications", files=FILES, headers=headers).status_code == 201
    assert ask(app, "POST", "/v1/capture-sessions").status_code == status


def test_a_device_that_starts_and_cancels_is_shown_no_more_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Settings(data_dir=tmp_path, device_unanswered_challenges=2)

    async def start_and_cancel(device: Device) -> list[str]:
        told = []
        for _ in range(3):
            await device.send({"type": "start", "consent": True})
            answer = await device.next()
            told.append(answer.get("code", answer["type"]))
            if answer["type"] == "session":
                await device.send({"type": "cancel"})
                await device.receive("cancelled")
        return told

    with stream_server(few, StreamVerifier(), monkeypatch) as url:
        key = enroll(tmp_path)
        assert with_device(url, key, start_and_cancel) == ["session", "session", "too_many_sessions"]


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_page_that_is_reloaded_again_and_again_does_not_lock_its_kiosk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off: bool
) -> None:
    """Each start leaves a session: the page's close ends it, or the next start replaces it."""
    few = Settings(data_dir=tmp_path, device_unused_sessions=2)

    async def start_and_leave(device: Device) -> str:
        await device.send({"type": "start", "consent": True})
        answer = await device.next()
        if cut_off:
            device.socket.transport.abort()
        return str(answer.get("code", answer["type"]))

    def load_page(url: str, key: str) -> str:
        for _ in range(200):  # until the server has noticed that the earlier connection is over
            with suppress(DeviceProblem):
                return with_device(url, key, start_and_leave)
            time.sleep(0.05)
        raise AssertionError("the server has not noticed that the device left")

    with stream_server(few, StreamVerifier(), monkeypatch) as url:
        key = enroll(tmp_path)
        assert [load_page(url, key) for _ in range(4)] == ["session"] * 4


def test_a_device_is_told_when_it_may_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Settings(data_dir=tmp_path, device_unused_sessions=2)

    async def start(device: Device) -> dict[str, Any]:
        await device.send({"type": "start", "consent": True})
        return await device.next()

    with stream_server(few, StreamVerifier(), monkeypatch) as url:
        key, other = enroll(tmp_path), enroll(tmp_path)
        kiosk, books = key.split("_")[1], Ledger(open_verdicts_and_audit(tmp_path)[0])
        for _ in range(2):  # applicants who walked away
            books.sessions.open(f"kiosk:{kiosk}", device=kiosk, enrolled=True)
        told = with_device(url, key, start)
        assert (told["type"], told["code"], told["fatal"]) == ("error", "too_many_sessions", False)
        assert 0 < told["retry_after"] <= 600
        assert with_device(url, other, start)["type"] == "session"
