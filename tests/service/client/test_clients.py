"""The Python client, sync and async, against the real application: it retries what may be retried, and nothing else."""

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import NAMES, FakeVerifier, serving
from peers import Peer, Reply, running

from idproof.client import AsyncClient, Client, Problem, async_client, client, protocol
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card.plan import draw
from idproof.pipeline.errors import CardCutOff
from idproof.service.operations.settings import Settings

GENERATOR = Path(__file__).parents[3] / ".ci" / "generate_client.py"
CAPTURES = dict.fromkeys(NAMES, b"x" * 100)


@pytest.fixture
def verifier() -> FakeVerifier:
    return FakeVerifier()


@pytest.fixture
def url(tmp_path: Path, verifier: FakeVerifier) -> Iterator[str]:
    with serving(Settings(data_dir=tmp_path / "data"), verifier) as (host, port):
        yield f"http://{host}:{port}"


def test_a_first_verification(url: str) -> None:
    with Client(url, language="zh-Hant", first_wait_s=0.05) as client:
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


def test_a_session_asks_for_poses_and_its_captures_are_judged_by_them(url: str, verifier: FakeVerifier) -> None:
    with Client(url, first_wait_s=0.05) as client:
        assert client.open_session().capture_plan is None
        session = client.open_session(planned=True)
        client.challenge(session.id)  # another challenge leaves the plan as it is
        plan = draw(urlsafe_b64decode(session.nonce + "="))
        assert session.capture_plan == plan.to_json()
        client.verify(CAPTURES, session=session.id)
        client.verify(CAPTURES, session=client.open_session().id)
    assert [(origin.level, origin.plan) for origin in verifier.origins] == [
        (CaptureLevel.UPLOAD, plan),
        (CaptureLevel.UPLOAD, None),
    ]


def test_a_first_verification_with_await(url: str) -> None:
    async def run() -> None:
        async with AsyncClient(url, first_wait_s=0.05) as client:
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


def test_both_clients_have_the_same_methods_and_parameters() -> None:
    def public(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(m).parameters) for name, m in methods if not name.startswith("_")}

    sync, awaited = public(Client), public(AsyncClient)
    assert sync.pop("close") == awaited.pop("aclose") == ["self"]  # named as in httpx
    assert sync == awaited


def generate(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(GENERATOR), *map(str, arguments)], capture_output=True, text=True)


def test_the_synchronous_client_is_what_the_asynchronous_one_gives() -> None:
    done = generate("--check")
    assert done.returncode == 0, done.stderr


def test_a_change_to_either_client_alone_is_found(tmp_path: Path) -> None:
    source, target = tmp_path / "async_client.py", tmp_path / "client.py"
    source.write_text(Path(async_client.__file__).read_text() + "\nADDED = 1\n")
    target.write_text(Path(client.__file__).read_text())
    assert generate("--check", "--source", source, "--target", target).returncode == 1
    assert generate("--source", source, "--target", target).returncode == 0
    assert "ADDED = 1" in target.read_text()
    assert generate("--check", "--source", source, "--target", target).returncode == 0


def test_a_refusal_is_raised_at_once_and_names_the_capture_to_take_again(url: str, verifier: FakeVerifier) -> None:
    def cut_off() -> None:
        raise CardCutOff("The card is cut off.", capture="card_front")

    verifier.act = cut_off
    with Client(url, first_wait_s=0.05) as client, pytest.raises(Problem) as caught:
        client.verify(CAPTURES, session=client.open_session().id)
    assert (caught.value.code, caught.value.capture) == ("card_cut_off", "card_front")
    assert len(verifier.sessions) == 1


def test_a_retry_while_the_first_is_under_way_gets_its_verdict(url: str, verifier: FakeVerifier) -> None:
    inside = threading.Event()

    def act() -> None:
        inside.set()
        time.sleep(0.4)

    verifier.act = act
    with Client(url, first_wait_s=0.05) as client:
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


@pytest.mark.parametrize("status", protocol.RETRY_STATUSES)
def test_a_temporary_refusal_is_retried_and_a_lasting_one_is_raised(status: int) -> None:
    with running(Troubled()) as peer:
        left = [(status, b"")] * 2
        peer.trouble = lambda: left.pop() if left else None
        with Client(peer.url, first_wait_s=0.001) as client:
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


def test_the_wait_is_the_one_that_the_service_asks_for() -> None:
    schedule = protocol.RetrySchedule(3)
    assert schedule.wait_after(httpx.Response(503, headers={"Retry-After": "7"})) == 7
    assert 0.5 <= (schedule.wait_after(None) or 0) <= 1.0
    assert schedule.wait_after(None) is None
    assert protocol.RetrySchedule(3).wait_after(httpx.Response(422)) is None
