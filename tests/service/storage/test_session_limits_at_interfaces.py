"""The limits of unused sessions and unanswered challenges, as clients over HTTP and streaming devices meet them."""

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FILES, FakeVerifier, a_verdict, ask
from stream_server import StreamVerifier, enroll, stream_server, with_device

from idproof.pipeline import CheckResult, Outcome, Status
from idproof.pipeline.card import plan
from idproof.service.http.app import create_app
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger
from idproof.service.stream.simulator.device import Device, DeviceProblem


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
