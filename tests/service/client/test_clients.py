"""The Python client, sync and async, against the real application: it retries what may be retried, and nothing else."""

import asyncio
import inspect
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import NAMES, FakeVerifier, serving
from peers import Peer, Reply, running

from idproof.client import AsyncClient, Client, Problem, Unreachable, calls
from idproof.pipeline.errors import CardCutOff
from idproof.service.operations.settings import Settings

CAPTURES = dict.fromkeys(NAMES, b"x" * 100)


@pytest.fixture
def verifier() -> FakeVerifier:
    return FakeVerifier()


@pytest.fixture
def url(tmp_path: Path, verifier: FakeVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(calls, "FIRST_WAIT_S", 0.05)
    with serving(Settings(data_dir=tmp_path / "data"), verifier) as (host, port):
        yield f"http://{host}:{port}"


def test_a_first_verification(url: str) -> None:
    with Client(url, language="zh-Hant") as client:
        session = client.open_session({"photosensitive": True})
        assert session.challenge is not None
        assert session.challenge["lights"] == []
        verdict = client.verify(CAPTURES, session=session.id, reference="r-1", key="mine")
        assert (verdict.decision, verdict.reasons) == ("refer", ("face_similarity_low",))
        assert verdict.texts["face_similarity_low"].startswith("未能")
        assert verdict.document["session"]["nonce"] == session.nonce
        assert "A123456" not in repr(verdict)
        again = client.verify(CAPTURES, session=session.id, reference="r-1", key="mine")
        assert (again.replayed, again.jws) == (True, verdict.jws)
        assert [item["id"] for item in client.summaries()] == [verdict.id]
        assert client.get(verdict.id) == client.get(verdict.id)
        client.erase(verdict.id)
        with pytest.raises(Problem) as caught:
            client.get(verdict.id)
        assert (caught.value.code, caught.value.status) == ("not_found", 404)


def test_the_same_with_await(url: str) -> None:
    async def run() -> None:
        async with AsyncClient(url) as client:
            session = await client.open_session()
            verification = await client.submit(CAPTURES, session=session.id, reference="r-2")
            while (verdict := await client.get(verification)) is None:
                await asyncio.sleep(0.02)
            assert verdict.document["reference"] == "r-2"
            assert [item["id"] async for item in client.summaries()] == [verification]
            other = await client.open_session()
            assert (await client.verify(CAPTURES, session=other.id)).decision == "refer"
            await client.erase(verification)

    asyncio.run(run())


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(m).parameters) for name, m in methods if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_a_refusal_is_told_at_once_with_the_capture_to_take_again(url: str, verifier: FakeVerifier) -> None:
    def cut_off() -> None:
        raise CardCutOff("The card is cut off.", capture="card_front")

    verifier.act = cut_off
    with Client(url) as client, pytest.raises(Problem) as caught:
        client.verify(CAPTURES, session=client.open_session().id)
    assert (caught.value.code, caught.value.capture) == ("card_cut_off", "card_front")
    assert len(verifier.sessions) == 1


def test_a_retry_while_the_first_is_under_way_gets_its_verdict(url: str, verifier: FakeVerifier) -> None:
    inside = threading.Event()

    def act() -> None:
        inside.set()
        time.sleep(0.4)

    verifier.act = act
    with Client(url) as client:
        session = client.open_session().id
        found: list[Any] = []
        first = threading.Thread(target=lambda: found.append(client.verify(CAPTURES, session=session, key="k")))
        first.start()
        assert inside.wait(10)
        second = client.verify(CAPTURES, session=session, key="k")
        first.join()
    assert second.jws == found[0].jws
    assert second.replayed


class Troubled(Peer):
    def reply(self, body: bytes) -> Reply:
        return 201, b'{"id": "cs_1", "nonce": "n", "challenge": null, "expires_at": ""}'


@pytest.mark.parametrize("status", calls.AGAIN)
def test_what_passes_is_waited_for_and_what_does_not_is_given_up(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(calls, "FIRST_WAIT_S", 0.001)
    with running(Troubled()) as peer:
        left = [(status, b"")] * 2
        peer.trouble = lambda: left.pop() if left else None
        with Client(peer.url) as client:
            assert client.open_session().id == "cs_1"
            assert peer.attempts == 3
            peer.trouble = lambda: (status, b"<html>")
            with pytest.raises(Problem, match="none of idproof's"):
                client.open_session()
            assert peer.attempts == 3 + 6
            peer.trouble = lambda: (500, b"{}")
            with pytest.raises(Problem):
                client.open_session()
            assert peer.attempts == 3 + 6 + 1


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_WAIT_S", 0.001)
    with Client("http://127.0.0.1:9") as client, pytest.raises(Unreachable):
        client.open_session()


def test_the_wait_is_the_servers_when_it_says_one() -> None:
    waits = calls.Waits(3)
    assert waits.after(httpx.Response(503, headers={"Retry-After": "7"})) == 7
    assert 0.5 <= (waits.after(None) or 0) <= 1.0
    assert waits.after(None) is None
    assert calls.Waits(3).after(httpx.Response(422)) is None
