"""The department's records: what they say is what the verdict says, and silence is never a match."""

import io
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from peers import Records, running, slow

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordStatus, ask, check
from idproof.pipeline.types import Outcome, Status
from idproof.service.operations.settings import Settings
from idproof.service.records import EmbeddedRecords, RemoteRecords, open_records
from idproof.service.records.circuit_breaker import CircuitBreaker, CircuitBreakerError
from idproof.service.records.remote import default_breaker

FORM = CardData(number="A1234563", surname="CHAN", given_names="TAI MAN", birth_date="1990-01-02")


@pytest.fixture
def peer() -> Iterator[Records]:
    with running(Records()) as made:
        yield made


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=0.5) as opened:
        yield opened


@pytest.fixture
def remote(peer: Records, client: httpx.Client) -> RemoteRecords:
    return RemoteRecords(client, peer.url, default_breaker(100, 60))


def test_each_status_of_the_department_gives_its_reason(peer: Records, remote: RemoteRecords) -> None:
    assert remote.look_up(FORM).status is RecordStatus.MATCH
    assert peer.asked[0]["number"] == "A1234563"
    peer.answer = {"status": "mismatch", "differing": ["surname", "birth_date"]}
    assert check(ask(FORM, remote)).reason == "records_mismatch_surname"
    peer.answer = {"status": "lost_or_invalid"}
    assert check(ask(FORM, remote)).reason == "card_lost_or_invalid"
    peer.answer = {"status": "unavailable"}
    assert check(ask(FORM, remote)).status is Status.COULD_NOT_ASSESS


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": "perhaps"},
        {"status": ["match"]},
        {"status": "match", "differing": ["surname"]},
        {"status": "mismatch"},
        {"status": "mismatch", "differing": ["favourite_colour"]},
        {"status": "mismatch", "differing": "surname"},
        {"status": "match", "padding": "x" * 100_000},
        [],
        "match",
    ],
    ids=lambda answer: json.dumps(answer)[:40],
)
def test_an_answer_that_is_not_as_documented_is_unavailable(peer: Records, remote: RemoteRecords, answer: Any) -> None:
    peer.answer = answer
    assert remote.look_up(FORM).status is RecordStatus.UNAVAILABLE
    assert peer.attempts == 3


def test_a_short_failure_is_retried_and_a_long_one_is_unavailable(peer: Records, remote: RemoteRecords) -> None:
    left = [(500, b""), (200, b"<html>")]
    peer.trouble = lambda: left.pop() if left else None
    assert remote.look_up(FORM).status is RecordStatus.MATCH
    peer.trouble = slow(0.7)
    started = time.monotonic()
    result = check(ask(FORM, remote))
    assert (result.status, result.outcome, result.reason) == (Status.COULD_NOT_ASSESS, None, "records_unavailable")
    assert time.monotonic() - started < 5


def test_a_service_that_fails_is_not_asked_for_a_while(peer: Records, client: httpx.Client) -> None:
    remote = RemoteRecords(client, peer.url, default_breaker(2, 0.3))
    peer.trouble = lambda: (500, b"")
    for _ in range(5):
        assert remote.look_up(FORM).status is RecordStatus.UNAVAILABLE
    assert peer.attempts == 6  # twice three tries, then none
    peer.trouble = lambda: None
    time.sleep(0.35)
    assert remote.look_up(FORM).status is RecordStatus.MATCH
    assert remote.look_up(FORM).status is RecordStatus.MATCH


def call(breaker: CircuitBreaker, error: Exception | None = None) -> str:
    try:
        with breaker.calling():
            if error is not None:
                raise error
    except CircuitBreakerError:
        return "refused"
    except (OSError, ValueError) as caught:
        return "raised" if caught is error else "raised another"
    return "done"


def test_failures_in_a_row_open_the_circuit_and_a_success_between_them_does_not() -> None:
    breaker = CircuitBreaker(2, 60, (OSError,))
    assert [call(breaker, error) for error in (OSError(), None, OSError())] == ["raised", "done", "raised"]
    assert call(breaker, ValueError()) == "raised"  # the service answered: not a failure
    assert [call(breaker, OSError()) for _ in range(3)] == ["raised", "raised", "refused"]


def test_a_failed_trial_opens_the_circuit_again_and_a_good_one_closes_it() -> None:
    breaker = CircuitBreaker(3, 0.1, (OSError,))
    for _ in range(3):
        call(breaker, OSError())
    time.sleep(0.15)
    assert [call(breaker, OSError()), call(breaker)] == ["raised", "refused"]
    time.sleep(0.15)
    assert [call(breaker), call(breaker)] == ["done", "done"]


def test_one_thread_tries_a_broken_service_and_the_others_are_refused_meanwhile() -> None:
    breaker = CircuitBreaker(1, 0.1, (OSError,))
    call(breaker, OSError())
    time.sleep(0.15)
    with breaker.calling(), ThreadPoolExecutor(7) as pool:
        assert list(pool.map(lambda _: call(breaker), range(7))) == ["refused"] * 7
    assert call(breaker) == "done"


def test_calls_to_a_working_service_run_at_the_same_time() -> None:
    breaker = CircuitBreaker(1, 60, (OSError,))
    together = threading.Barrier(4, timeout=10)

    def enter(_: int) -> None:
        with breaker.calling():
            together.wait()  # passes only when all four are inside

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(enter, range(4))) == [None] * 4


def test_records_in_a_file(tmp_path: Path) -> None:
    lost = CardData(number="B1234563")
    records = EmbeddedRecords.make(tmp_path / "records.sqlite", [FORM], [lost])
    assert records.look_up(FORM).status is RecordStatus.MATCH
    other = CardData(number="A1234563", surname="WONG", given_names="TAI MAN", birth_date="1990-01-02")
    assert records.look_up(other).differing == ("surname",)
    for gone in (lost, CardData(number="C1234563")):
        assert records.look_up(gone).status is RecordStatus.LOST_OR_INVALID
    assert records.look_up(CardData()).status is RecordStatus.UNAVAILABLE
    assert EmbeddedRecords(tmp_path / "none.sqlite").look_up(FORM).status is RecordStatus.UNAVAILABLE
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(sqlite3.Error):
        EmbeddedRecords.make(tmp_path / "records.sqlite", [])


def test_the_settings_choose_the_authority(tmp_path: Path) -> None:
    assert open_records(Settings(data_dir=tmp_path)) is None
    assert isinstance(open_records(Settings(records_file=tmp_path / "r")), EmbeddedRecords)
    assert isinstance(open_records(Settings(records_url="https://records.example/")), RemoteRecords)


def test_a_match_passes(remote: RemoteRecords) -> None:
    assert check(ask(FORM, remote)).outcome is Outcome.PASS


def test_a_portrait_is_streamed_and_asked_for_only_where_there_is_one(peer: Records, remote: RemoteRecords) -> None:
    assert not remote.look_up(FORM).portrait
    peer.answer = {"status": "match", "portrait": True}
    assert remote.look_up(FORM).portrait
    peer.picture = bytes(range(256)) * 500
    got = io.BytesIO()
    remote.portrait(FORM, got)
    assert got.getvalue() == peer.picture
    assert peer.asked[-1]["number"] == FORM.number
    peer.answer = {"status": "match", "portrait": "yes"}
    assert remote.look_up(FORM).status is RecordStatus.UNAVAILABLE


def test_a_portrait_that_is_not_there_or_torn_is_an_error(peer: Records, client: httpx.Client) -> None:
    with pytest.raises(Exception, match=r"^$"):
        RemoteRecords(client, peer.url, default_breaker(100, 60)).portrait(FORM, io.BytesIO())
    assert peer.attempts == 3
    remote = RemoteRecords(httpx.Client(transport=httpx.MockTransport(torn)), peer.url, default_breaker(1, 60))
    got = io.BytesIO()
    with pytest.raises(Exception, match=r"^$"):
        remote.portrait(FORM, got)
    assert got.getvalue() == b"half"  # it is not tried anew behind what came already
    assert remote.look_up(FORM).status is RecordStatus.UNAVAILABLE  # and its owner is left alone


def torn(_: httpx.Request) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("gone")

    return httpx.Response(200, content=pieces())


def test_portraits_in_a_file(tmp_path: Path) -> None:
    other = CardData(number="B1234563")
    records = EmbeddedRecords.make(tmp_path / "r.sqlite", [FORM, other], portraits={"A1234563": b"picture" * 9000})
    assert records.look_up(FORM).portrait
    assert not records.look_up(other).portrait
    got = io.BytesIO()
    records.portrait(FORM, got)
    assert got.getvalue() == b"picture" * 9000
    with pytest.raises(ValueError, match="unpack"):
        records.portrait(other, got)
