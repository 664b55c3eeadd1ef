"""One session and one key lead to one verdict: on both databases, after a restart, and for simultaneous requests."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask, serving
from sqlalchemy import func, select, update

from idproof.pipeline import BadInput
from idproof.pipeline.errors import CardCutOff
from idproof.service.errors import ServiceProblem
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Ledger, Replay, Ticket, VerdictStore
from idproof.service.storage.schema import IDEMPOTENCY, OPERATIONS, SESSIONS, VERIFICATIONS

OTHER = FILES | {"selfie": ("selfie", b"another picture", "image/jpeg")}


@pytest.fixture
def app(on_either: Settings) -> Any:
    return create_app(on_either, FakeVerifier())


def session(app: Any) -> dict[str, Any]:
    body: dict[str, Any] = ask(app, "POST", "/v1/capture-sessions").json()
    return body


def post(app: Any, session_id: str | None, key: str | None = None, files: Any = FILES) -> httpx.Response:
    headers = {"Capture-Session": session_id, "Idempotency-Key": key}
    sent = {name: value for name, value in headers.items() if value is not None}
    return ask(app, "POST", "/v1/verifications", files=files, headers=sent)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_session_leads_to_one_verdict_with_its_nonce(app: Any) -> None:
    opened = session(app)
    given = post(app, opened["id"])
    assert given.status_code == 201
    assert given.json()["session"] == {"id": opened["id"], "nonce": opened["nonce"]}
    assert code(post(app, opened["id"])) == (409, "session_used")
    assert code(post(app, opened["id"], "a-new-key")) == (409, "session_used")


def test_nothing_is_received_without_a_session_of_the_client(on_either: Settings) -> None:
    verifier = FakeVerifier()
    app = create_app(on_either, verifier)
    assert code(post(app, None)) == (422, "session_missing")
    assert code(post(app, "cs_" + "0" * 26)) == (422, "session_unknown")
    assert code(post(app, "nonsense")) == (422, "request_invalid")
    assert verifier.sessions == []


def test_an_expired_session_is_refused(on_either: Settings) -> None:
    app = create_app(on_either.model_copy(update={"session_s": 0.01}), FakeVerifier())
    opened = session(app)
    time.sleep(0.05)
    assert code(post(app, opened["id"])) == (410, "session_lapsed")


def test_a_session_allows_a_limited_number_of_unusable_captures(on_either: Settings) -> None:
    def cut_off() -> None:
        raise CardCutOff("The card is cut off.", capture="card_front")

    app = create_app(on_either.model_copy(update={"session_attempts": 2}), FakeVerifier(cut_off))
    opened = session(app)
    for _ in range(2):
        assert code(post(app, opened["id"], "same-key")) == (422, "card_cut_off")
    assert code(post(app, opened["id"], "same-key")) == (409, "session_used")


def test_the_same_key_and_body_give_the_same_verdict_after_a_restart_too(on_either: Settings, app: Any) -> None:
    opened = session(app)
    first = post(app, opened["id"], "key-1")
    reordered = dict(reversed(FILES.items()))
    for application in (app, create_app(on_either, FakeVerifier())):
        again = post(application, opened["id"], "key-1", reordered)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers


def test_the_same_key_with_another_body_is_refused(app: Any) -> None:
    opened = session(app)
    assert post(app, opened["id"], "key-1").status_code == 201
    assert code(post(app, opened["id"], "key-1", OTHER)) == (422, "idempotency_key_reused")
    assert code(post(app, session(app)["id"], "key-1")) == (422, "idempotency_key_reused")
    assert code(post(app, opened["id"], "key 1")) == (422, "request_invalid")


def test_simultaneous_repeats_are_verified_once(on_either: Settings) -> None:
    gate, inside = threading.Event(), threading.Event()

    def act() -> None:
        inside.set()
        assert gate.wait(20)

    with serving(on_either, FakeVerifier(act)) as (host, port), ThreadPoolExecutor(1) as pool:
        url = f"http://{host}:{port}/v1"
        opened = httpx.post(f"{url}/capture-sessions").json()["id"]

        def once(key: str) -> httpx.Response:
            headers = {"Capture-Session": opened, "Idempotency-Key": key}
            return httpx.post(f"{url}/verifications", files=FILES, headers=headers, timeout=30)

        first = pool.submit(once, "key-1")
        assert inside.wait(20)
        same, other = once("key-1"), once("key-2")
        gate.set()
        assert first.result().status_code == 201
        assert once("key-1").json() == first.result().json()
    assert [code(answer) for answer in (same, other)] == [(409, "request_in_progress")] * 2
    assert int(same.headers["retry-after"]) > 0


@pytest.fixture
def store(on_either: Settings) -> VerdictStore:
    return VerdictStore.open(on_either, Keys.open(on_either).sealing)


def begun(ledger: Ledger, session_id: str | None, key: str | None) -> Ticket:
    ticket = ledger.begin("one", session_id, key)
    assert isinstance(ticket, Ticket)
    return ticket


def test_a_retry_after_a_killed_server_begins_anew_and_the_dead_server_cannot_finish(store: VerdictStore) -> None:
    dead, living = Ledger(store), Ledger(store)
    opened = dead.sessions.open("one")
    lost = begun(dead, opened.id, "key")
    with pytest.raises(Exception, match="being verified"):
        living.begin("one", opened.id, "key")
    with store.database.write() as connection:
        connection.execute(update(OPERATIONS).values(lease_ms=0))
    assert living.progress(lost.id, None).state == "lost"  # type: ignore[union-attr]
    again = begun(living, opened.id, "key")
    with pytest.raises(Exception, match="being verified"):
        dead.finish(lost, {"late": True}, b"f")
    dead.renew()
    living.finish(again, {"n": 1}, b"f")
    assert living.begin("one", opened.id, "key") == Replay(again.id, b"f")
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(VERIFICATIONS)) == 1


def test_a_running_server_renews_its_leases(store: VerdictStore) -> None:
    ledger = Ledger(store)
    ticket = begun(ledger, None, "key")
    with store.database.write() as connection:
        connection.execute(update(OPERATIONS).values(lease_ms=0))
    ledger.renew()
    assert ledger.progress(ticket.id, "one").state == "running"  # type: ignore[union-attr]
    assert ledger.progress(ticket.id, "another") is None


@pytest.mark.parametrize("key", ["same", None])
def test_of_simultaneous_verifications_one_begins(store: VerdictStore, key: str | None) -> None:
    opened = Ledger(store).sessions.open("one")

    def begin(_: int) -> str:
        try:
            Ledger(store).begin("one", opened.id, key)
        except ServiceProblem as error:
            return error.code
        return "begun"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(begin, range(6))) == ["begun"] + ["request_in_progress"] * 5


def test_erasing_a_verdict_leaves_nothing_of_its_request_and_never_opens_its_session(store: VerdictStore) -> None:
    ledger = Ledger(store)
    opened = ledger.sessions.open("one")
    ledger.finish(begun(ledger, opened.id, "key"), {"form": {}}, b"f")
    with store.database.read() as connection:
        (verdict_id,) = connection.execute(select(VERIFICATIONS.c.id)).scalars()
    store.erase(verdict_id)
    with store.database.read() as connection:
        assert connection.execute(select(IDEMPOTENCY)).all() == []
        assert connection.execute(select(OPERATIONS)).all() == []
    with pytest.raises(Exception, match="led to a verdict already"):
        ledger.begin("one", opened.id, "key")


def test_expired_rows_are_deleted(store: VerdictStore) -> None:
    ledger = Ledger(store)
    begun(ledger, ledger.sessions.open("one").id, "key")
    ledger.clean(30, 24)
    with store.database.read() as connection:
        assert len(connection.execute(select(IDEMPOTENCY)).all()) == 1
    old = "2020-01-01T00:00:00+00:00"
    with store.database.write() as connection:
        connection.execute(update(IDEMPOTENCY).values(created_at=old))
        connection.execute(update(OPERATIONS).values(created_at=old))
        connection.execute(update(SESSIONS).values(expires_ms=1))
    ledger.clean(30, 24)
    with store.database.read() as connection:
        for table in (IDEMPOTENCY, OPERATIONS, SESSIONS):
            assert connection.execute(select(table)).all() == []


def test_stored_requests_reveal_neither_key_nor_pictures(on_either: Settings, app: Any) -> None:
    assert post(app, session(app)["id"], "key-of-the-caller").status_code == 201
    store = VerdictStore.open(on_either, Keys.open(on_either).sealing)
    with store.database.read() as connection:
        row = connection.execute(select(IDEMPOTENCY)).one()
    assert b"key-of-the-caller" not in row.mac + row.fingerprint
    assert (len(row.mac), len(row.fingerprint)) == (32, 32)


@pytest.fixture
def running(on_either: Settings) -> Iterator[tuple[str, FakeVerifier]]:
    verifier = FakeVerifier()
    with serving(on_either, verifier) as (host, port):
        yield f"http://{host}:{port}", verifier


def deferred(url: str) -> httpx.Response:
    headers = {"Capture-Session": httpx.post(f"{url}/v1/capture-sessions").json()["id"]}
    headers |= {"Prefer": "respond-async, wait=1"}
    return httpx.post(f"{url}/v1/verifications", files=FILES, headers=headers)


def settled(url: str) -> httpx.Response:
    deadline = time.monotonic() + 10
    while (answer := httpx.get(url)).status_code == 202 and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def test_an_asynchronous_verification_is_polled(running: tuple[str, FakeVerifier]) -> None:
    url, verifier = running
    gate = threading.Event()
    verifier.act = lambda: gate.wait(20) and None
    answer = deferred(url)
    place = url + answer.headers["location"]
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert httpx.get(place).json() == {"id": answer.json()["id"], "status": "running"}
    gate.set()
    found = settled(place)
    assert (found.status_code, found.json()["id"]) == (200, answer.json()["id"])
    assert verifier.sessions[0].outstanding == 0


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [(CardCutOff("Cut off.", capture="selfie"), 422, "card_cut_off"), (KeyError(), 500, "internal")],
)
def test_polling_reports_why_a_verification_failed(
    running: tuple[str, FakeVerifier], error: BadInput | KeyError, status: int, told: str
) -> None:
    url, verifier = running

    def act() -> None:
        raise error

    verifier.act = act
    found = settled(url + deferred(url).headers["location"])
    assert (found.status_code, found.json()["code"]) == (status, told)
    assert verifier.sessions[0].outstanding == 0


def test_pictures_are_deleted_before_a_failure_can_be_read(
    running: tuple[str, FakeVerifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, verifier = running
    held: list[int] = []
    fail = Ledger.fail

    def fail_and_look(ledger: Ledger, *arguments: Any, **options: Any) -> None:
        held.append(verifier.sessions[0].outstanding)
        fail(ledger, *arguments, **options)

    def act() -> None:
        raise CardCutOff("Cut off.", capture="selfie")

    monkeypatch.setattr(Ledger, "fail", fail_and_look)
    verifier.act = act
    assert settled(url + deferred(url).headers["location"]).status_code == 422
    assert held == [0]


def test_a_stopping_server_finishes_asynchronous_verifications(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with serving(settings, FakeVerifier(lambda: time.sleep(1))) as (host, port):
        answer = deferred(f"http://{host}:{port}")
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    assert store.load(answer.json()["id"]) is not None


def test_verdicts_are_listed_in_pages_from_the_newest(app: Any) -> None:
    ids = [post(app, session(app)["id"]).json()["id"] for _ in range(3)]
    first = ask(app, "GET", "/v1/verifications?limit=2").json()
    second = ask(app, "GET", f"/v1/verifications?limit=2&cursor={first['next']}").json()
    assert [item["id"] for item in first["items"] + second["items"]] == sorted(ids, reverse=True)
    assert second["next"] is None
    assert not {"fields", "form", "checks"} & first["items"][0].keys()
    assert code(ask(app, "GET", "/v1/verifications?cursor=x")) == (422, "request_invalid")


def test_a_verdict_stored_between_two_queries_is_found(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for the verdict just before it is kept, and for the progress just after."""
    given = post(app, session(app)["id"])
    load, asked = VerdictStore.load, []

    def late(self: VerdictStore, verdict_id: str, client: str | None = None) -> Any:
        asked.append(verdict_id)
        return None if len(asked) == 1 else load(self, verdict_id, client)

    monkeypatch.setattr(VerdictStore, "load", late)
    assert ask(app, "GET", given.headers["location"]).json()["id"] == given.json()["id"]
    assert len(asked) == 2


def test_clients_set_the_applicants_options_and_not_the_profiles(app: Any) -> None:
    asked = dict.fromkeys(("cannot_turn", "cannot_nod", "cannot_approach", "photosensitive", "more_time"), True)
    opened = ask(app, "POST", "/v1/capture-sessions", json={"options": asked})
    assert opened.status_code == 201
    assert asked.items() <= opened.json()["challenge"]["options"].items()
    for wrong in ({"lips": True}, {"eyelids": True}, {"cannot_fly": True}, {"more_time": "perhaps"}):
        assert code(ask(app, "POST", "/v1/capture-sessions", json={"options": wrong})) == (422, "request_invalid")
