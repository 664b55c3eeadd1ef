"""Stop during a verification, calls for staff, and messages of other sessions: a real server, no networks."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.pipeline import VaultSession, Verdict
from idproof.pipeline.errors import IdproofError
from idproof.service.errors import AuditBroken, ServiceProblem, StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.registrations.outcomes import VerificationOutcomes
from idproof.service.storage.engine import Conflict
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.simulator.device import Device, DeviceProblem


class WaitingVerifier(StreamVerifier):
    """Examines until a test lets it go on, then looks at the pictures once more, as every stage does."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on, self.done = threading.Event(), threading.Event(), threading.Event()
        self.held: list[int] = []

    def verify_session(self, session: VaultSession, *arguments: Any) -> Verdict:
        try:
            self.begun.set()
            assert self.go_on.wait(20)
            self.held.append(session.outstanding)
            session.ensure_open()
            return super().verify_session(session, *arguments)
        finally:
            self.done.set()


@pytest.fixture
def verifier() -> Iterator[WaitingVerifier]:
    made = WaitingVerifier()
    yield made
    made.go_on.set()


@pytest.fixture
def address(tmp_path: Path, verifier: WaitingVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path, stream_grace_s=1.0), verifier, monkeypatch) as url:
        yield url


@pytest.fixture
def key(address: str, tmp_path: Path) -> str:
    return enroll(tmp_path)


async def begin_checking(device: Device, verifier: WaitingVerifier) -> str:
    """Play a session until its verification runs; returns the verdict's id."""
    await device.start()
    await capture_everything(device)
    await device.send({"type": "finish"})
    began: str = (await device.receive("verifying"))["id"]
    await asyncio.to_thread(verifier.begun.wait, 20)
    return began


async def ends(url: str, verdict: str) -> httpx.Response:
    """Returns the answer about a verification once it has ended."""
    async with httpx.AsyncClient() as client:
        while True:
            answer = await client.get(f"{url}/v1/verifications/{verdict}")
            if answer.status_code != 202:
                return answer
            await asyncio.sleep(0.02)


def device_counts(url: str) -> dict[str, Any]:
    (entry,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
    return dict(entry)


def test_a_stop_during_the_verification_deletes_everything_and_gives_no_verdict(
    address: str, key: str, verifier: WaitingVerifier, tmp_path: Path
) -> None:
    async def act(device: Device) -> None:
        verdict = await begin_checking(device, verifier)
        stopped = device.session["id"]
        await device.send({"type": "cancel", "session": stopped})
        assert await device.next() == {"type": "cancelled", "session": stopped}
        following = await device.start()
        verifier.go_on.set()
        answer = await ends(address, verdict)
        assert (answer.status_code, answer.json()["code"]) == (410, "stopped")
        assert verifier.held == [0], "the examination went on with pictures"
        await device.send({"type": "language", "language": "en"})
        said = [await device.next()]
        assert said == [{"type": "language_taken"}], "the next applicant heard of the one before"
        assert following["id"] != stopped

    with_device(address, key, act)
    with closing(sqlite3.connect(tmp_path / "verdicts.sqlite")) as database:
        ends_ms = [row[0] for row in database.execute("SELECT expires_ms FROM sessions")]
    assert min(ends_ms) == 0, "the client of the device could still use the stopped session"
    listed = httpx.get(f"{address}/v1/verifications").json()["items"]
    assert listed == []
    end = time.monotonic() + 20  # the session after it ends when the server sees that the device has gone
    while (counts := device_counts(address))["cancelled"] < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert (counts["started"], counts["cancelled"], counts["finished"]) == (2, 2, 0)


def test_a_stop_is_too_late_once_the_verdict_is_being_stored(
    address: str, key: str, verifier: WaitingVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, go_on = threading.Event(), threading.Event()
    store = VerificationOutcomes.store_verdict

    def store_slowly(*arguments: Any, **named: Any) -> None:
        storing.set()
        assert go_on.wait(20)
        store(*arguments, **named)

    monkeypatch.setattr(VerificationOutcomes, "store_verdict", store_slowly)
    verifier.go_on.set()

    async def act(device: Device) -> dict[str, Any]:
        await begin_checking(device, verifier)
        await asyncio.to_thread(storing.wait, 20)
        await device.send({"type": "cancel"})
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await device.receive("cancelled")
        go_on.set()
        return await device.receive("verdict")

    verdict = with_device(address, key, act)
    assert httpx.get(f"{address}/v1/verifications/{verdict['id']}").json()["decision"] == verdict["decision"]


def test_a_session_that_waits_for_its_device_is_stopped_by_its_id(
    address: str, key: str, verifier: WaitingVerifier
) -> None:
    async def act() -> None:
        first = await Device.connect(address, key)
        verdict = await begin_checking(first, verifier)
        first.socket.transport.abort()
        for _ in range(200):
            try:
                again = await Device.connect(address, key)
                break
            except DeviceProblem:
                await asyncio.sleep(0.05)
        await again.send({"type": "cancel", "session": first.session["id"]})
        assert (await again.receive("cancelled"))["session"] == first.session["id"]
        verifier.go_on.set()
        assert (await ends(address, verdict)).json()["code"] == "stopped"
        await again.send({"type": "cancel", "session": first.session["id"]})
        with pytest.raises(DeviceProblem, match="session_unknown"):
            await again.receive("cancelled")
        await again.socket.close()
        await first.socket.close()

    asyncio.run(act())


def test_every_message_of_a_session_names_it_and_a_message_for_another_one_is_not_taken(
    address: str, key: str, verifier: WaitingVerifier
) -> None:
    verifier.go_on.set()

    async def act(device: Device) -> tuple[str, list[dict[str, Any]]]:
        said: list[dict[str, Any]] = []
        hear = device.next

        async def record() -> dict[str, Any]:
            said.append(await hear())
            return said[-1]

        device.next = record  # type: ignore[method-assign]
        await device.start()
        await device.send({"type": "finish", "session": "cs_" + "0" * 26})
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await device.receive("verifying")
        await capture_everything(device, "liveness")
        await device.send({"type": "options", "options": {}})
        await device.receive("options_taken")
        device.session["stage"] = "liveness"
        await capture_everything(device)
        await device.send({"type": "finish"})
        await device.receive("verdict")
        return device.session["id"], said[1:]

    session, said = with_device(address, key, act)
    kinds = {message["type"] for message in said}
    assert kinds == {"error", "guidance", "stage", "options_taken", "challenge", "verifying", "verdict"}
    assert {message["session"] for message in said} == {session}


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (ServiceProblem("too_many_at_once", "…"), "finish"),
        (ServiceProblem("request_in_progress", "…"), "finish"),
        (AuditBroken("…"), "first"),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_an_error_of_the_verification_says_at_which_stage_the_session_is(
    address: str,
    key: str,
    verifier: WaitingVerifier,
    monkeypatch: pytest.MonkeyPatch,
    error: IdproofError,
    stage: str,
) -> None:
    verifier.go_on.set()

    def fail(*_: Any, **__: Any) -> None:
        raise error

    if stage == "first":
        monkeypatch.setattr(VerificationOutcomes, "store_verdict", fail)
    else:
        monkeypatch.setattr("idproof.service.storage.ledger.Ledger.begin", fail)

    async def act(device: Device) -> None:
        session = await device.start()
        await capture_everything(device)
        await device.send({"type": "finish"})
        while (said := await device.next())["type"] != "error":
            pass
        assert (said["code"], said["fatal"], said["session"]) == (error.code, False, session["id"])
        assert said["stage"] == (session["stages"][0] if stage == "first" else stage)
        assert said["retry_after"] > 0
        monkeypatch.undo()
        await device.send({"type": "cancel"})
        await device.receive("cancelled")

    with_device(address, key, act)


@pytest.mark.parametrize("error", [StoreUnavailable("Away."), Conflict(), RuntimeError("a defect")], ids=repr)
def test_a_count_that_is_lost_ends_neither_the_session_nor_the_server_process(
    address: str, key: str, verifier: WaitingVerifier, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    verifier.go_on.set()
    count, lost = Kiosks.count, []

    def fail_at_the_end(kiosks: Kiosks, kiosk: str, counts: dict[str, int]) -> None:
        if "finished" in counts:
            lost.append(counts)
            raise error
        count(kiosks, kiosk, counts)

    monkeypatch.setattr(Kiosks, "count", fail_at_the_end)

    async def act(device: Device) -> None:
        for _ in range(2):  # the second one is verified by a job of the same group
            await begin_checking(device, verifier)
            await asyncio.wait_for(device.receive("verdict"), 20)

    with_device(address, key, act)
    assert len(lost) == 2


def test_a_call_for_staff_on_the_first_screen_stays_for_the_session_that_follows(address: str, key: str) -> None:
    async def act(device: Device) -> None:
        async def called() -> bool:
            await device.send({"type": "language", "language": "en"})
            await device.receive("language_taken")
            return bool((await asyncio.to_thread(device_counts, address))["staff_called"])

        async def becomes(expected: bool) -> bool:
            """Waits for the renewal by which the page learns of it."""
            for _ in range(20):
                await asyncio.sleep(LEASE_QUARTER_S)
                if await called() is expected:
                    return True
            return False

        await device.send({"type": "staff"})
        await device.receive("staff_called")
        for expected in (True, False):  # the call belongs to the applicant who starts next, not to the one after
            await device.start()
            assert await becomes(expected)
            await device.send({"type": "cancel"})
            await device.receive("cancelled")
        await device.start()
        await device.send({"type": "staff"})
        await device.receive("staff_called")
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        assert await becomes(True), "the applicant may still stand there"
        await device.start()
        assert await becomes(False), "a call of an earlier session"

    with_device(address, key, act)


LEASE_QUARTER_S = 0.3


@pytest.fixture(autouse=True)
def _quick_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operators' page learns of a device's state when its lease is renewed."""
    monkeypatch.setattr("idproof.service.stream.connection._RENEWALS_PER_LEASE", 15 / 0.1)
