"""The same pictures answer once: over HTTP and from devices, retried, at once, and while the database is away."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import NAMES, a_verdict, ask, serving
from stream_server import JPEG, StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.pipeline import CheckResult, Outcome, Status, VaultSession, Verdict, captures_fresh
from idproof.pipeline.decide import decide
from idproof.pipeline.errors import CardCutOff
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.service.errors import StoreUnavailable
from idproof.service.http.app import create_app
from idproof.service.operations.policy import build_policy
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger
from idproof.service.stream.simulator.device import Device


class DecidingVerifier(StreamVerifier):
    """Lets every other check pass, and decides by the real rules."""

    def verify_session(
        self,
        session: VaultSession,
        answer: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        super().verify_session(session, answer, origin)
        fresh = [check for check in origin.checks if check.name == captures_fresh.NAME]
        checks = (CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS), *fresh)
        decision, reasons = decide(checks, [captures_fresh.NAME])
        return replace(a_verdict(), decision=decision, reasons=reasons, checks=checks)


def pictures(**given: bytes) -> dict[str, tuple[str, bytes, str]]:
    """Four captures that were never sent before, but for those that are given."""
    return {name: (name, given.get(name) or os.urandom(200), "image/jpeg") for name in NAMES}


def open_session(app: Any) -> str:
    return str(ask(app, "POST", "/v1/capture-sessions").json()["id"])


def post(app: Any, files: Any, session: str | None = None, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {"Capture-Session": session or open_session(app), **({"Idempotency-Key": key} if key else {})}
    return ask(app, "POST", "/v1/verifications", files=files, headers=headers, **more)


def decided(answer: httpx.Response) -> tuple[str, list[str]]:
    assert answer.status_code == 201, answer.text
    return answer.json()["decision"], answer.json()["reasons"]


ACCEPTED: tuple[str, list[str]] = ("accept", [])
REPEATED = ("refer", ["captures_used_before"])


@pytest.fixture
def app(on_either: Settings) -> Any:
    return create_app(on_either, DecidingVerifier())


def test_the_same_pictures_are_not_accepted_in_another_session(app: Any, on_either: Settings) -> None:
    files = pictures()
    assert decided(post(app, files)) == ACCEPTED
    restarted = create_app(on_either, DecidingVerifier())
    for application in (app, restarted):
        again = post(application, files)
        assert decided(again) == REPEATED
        (check,) = [entry for entry in again.json()["checks"] if entry["name"] == "captures_fresh"]
        assert (check["value"], check["status"]) == (4.0, "assessed")


@pytest.mark.parametrize("kept", NAMES)
def test_one_repeated_capture_among_new_ones_is_enough(tmp_path: Path, kept: str) -> None:
    app = create_app(Settings(data_dir=tmp_path), DecidingVerifier())
    files = pictures()
    assert decided(post(app, files)) == ACCEPTED
    assert decided(post(app, pictures(**{kept: files[kept][1]}))) == REPEATED
    assert decided(post(app, pictures(selfie=files["card_front"][1]))) == REPEATED  # as whatever it is sent
    assert decided(post(app, pictures(selfie=files[kept][1] + b"\0"))) == ACCEPTED  # the limit of exact bytes


def test_a_frame_is_not_accepted_again_not_even_as_a_selfie(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path), DecidingVerifier())
    frames = [os.urandom(200) for _ in range(8)]

    def with_frames(shown: list[bytes]) -> httpx.Response:
        times = [{"captured_ms": 100.0 * number, "number": number} for number in range(len(shown))]
        parts = [*pictures().items(), *(("frames", ("f", data, "image/jpeg")) for data in shown)]
        return post(app, parts, data={"metadata": f'{{"liveness": {{"frames": {times}}}}}'.replace("'", '"')})

    assert decided(with_frames(frames)) == ACCEPTED
    assert decided(with_frames([*(os.urandom(200) for _ in range(7)), frames[5]])) == REPEATED
    assert decided(post(app, pictures(selfie=frames[2]))) == REPEATED


def test_a_retry_of_the_same_request_gets_the_same_verdict(app: Any) -> None:
    files, session = pictures(), open_session(app)
    first = post(app, files, session, "key")
    again = post(app, files, session, "key")
    assert decided(first) == decided(again) == ACCEPTED
    assert again.headers["idempotency-replayed"] == "true"


def test_captures_of_a_session_without_a_verdict_may_be_sent_again_with_a_better_one(on_either: Settings) -> None:
    refusals = ["once"]

    def refuse() -> None:
        if refusals:
            refusals.pop()
            raise CardCutOff("The card is cut off.", capture="card_front")

    app = create_app(on_either, DecidingVerifier(refuse))
    files, session = pictures(), open_session(app)
    assert post(app, files, session).status_code == 422
    assert decided(post(app, files | {"card_front": ("f", os.urandom(200), "image/jpeg")}, session)) == ACCEPTED
    assert decided(post(app, files)) == REPEATED


def test_of_two_at_once_at_most_one_is_accepted(on_either: Settings) -> None:
    """Both are in the middle of their verification when the first verdict is stored."""
    both = threading.Barrier(2, timeout=20)
    two = on_either.model_copy(update={"concurrency": 2})
    with serving(two, DecidingVerifier(lambda: void(both.wait()))) as (host, port), ThreadPoolExecutor(2) as pool:
        url, files = f"http://{host}:{port}/v1", pictures()

        def once(_: int) -> httpx.Response:
            session = httpx.post(f"{url}/capture-sessions").json()["id"]
            return httpx.post(f"{url}/verifications", files=files, headers={"Capture-Session": session}, timeout=30)

        assert sorted(decided(answer) for answer in pool.map(once, range(2))) == [ACCEPTED, REPEATED]


@pytest.mark.parametrize("first_fails", ["before the verdict", "after the verdict"])
def test_captures_of_a_verdict_stay_used_when_the_registration_that_took_them_first_fails(
    on_either: Settings, first_fails: str
) -> None:
    begun, fail, failed = threading.Event(), threading.Event(), threading.Event()
    turns = iter(["first", "second"])

    def act() -> None:
        turn = next(turns, "later")
        if turn == "first":
            begun.set()
            assert fail.wait(20)
            raise CardCutOff("The card is cut off.", capture="card_front")
        if turn == "second" and first_fails == "before the verdict":
            fail.set()
            assert failed.wait(20)

    two = on_either.model_copy(update={"concurrency": 2})
    with serving(two, DecidingVerifier(act)) as (host, port), ThreadPoolExecutor(1) as pool:
        url, files = f"http://{host}:{port}/v1", pictures()

        def once() -> httpx.Response:
            session = httpx.post(f"{url}/capture-sessions").json()["id"]
            return httpx.post(f"{url}/verifications", files=files, headers={"Capture-Session": session}, timeout=30)

        first = pool.submit(once)
        first.add_done_callback(lambda _: failed.set())
        assert begun.wait(20)
        assert decided(once()) == REPEATED
        fail.set()
        assert first.result(30).status_code == 422
        assert decided(once()) == REPEATED


def void(_: object) -> None: ...


def test_while_the_database_is_away_nothing_is_accepted_and_the_captures_are_used_with_the_verdict(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = pictures()

    def fail(*_: Any) -> int:
        raise StoreUnavailable("Away.")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "use_captures", fail)
        assert decided(post(app, files)) == ("refer", ["captures_use_unknown"])
    assert decided(post(app, files)) == REPEATED


def test_without_an_account_the_verdict_says_so(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, captures_remembered_hours=0)
    verifier = DecidingVerifier()
    app, files = create_app(settings, verifier), pictures()
    for _ in range(2):
        assert decided(post(app, files)) == ("refer", ["captures_fresh_missing"])  # the rules of this test require it
    policy = build_policy(settings)
    assert captures_fresh.NAME not in policy.required
    assert captures_fresh.NAME in policy.not_performed
    assert policy.version.endswith("+repeats")
    kept = build_policy(Settings(data_dir=tmp_path))
    assert captures_fresh.NAME in kept.required
    assert "repeats" not in kept.version


def test_pictures_of_a_device_are_not_accepted_again_at_any_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)

    async def register(device: Device) -> str:
        await device.start()
        await capture_everything(device)
        await device.send({"type": "finish"})
        return str((await device.receive("verdict"))["decision"])

    with stream_server(settings, DecidingVerifier(), monkeypatch) as url:
        one, other = (enroll(tmp_path, name) for name in ("Counter 1", "Counter 2"))
        assert with_device(url, one, register) == "accept"
        assert with_device(url, other, register) == "refer"
        session = httpx.post(f"{url}/v1/capture-sessions").json()["id"]
        files, named = pictures(selfie=JPEG), {"Capture-Session": session}
        assert decided(httpx.post(f"{url}/v1/verifications", files=files, headers=named)) == REPEATED
