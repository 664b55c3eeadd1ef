"""Frames over HTTP: they belong to the last challenge, and a device that fails too often is locked."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, a_verdict, ask, serving
from sqlalchemy import func, select, update

from idproof.client import Answer, Camera, Client, Frame, Problem
from idproof.pipeline import CheckResult, Decision, Outcome, Status
from idproof.pipeline.liveness.frames import MAX_FRAMES, CameraReport
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Ledger, VerdictStore
from idproof.service.storage.schema import FAILURES, SESSIONS

SHOTS = [{"captured_ms": 100.0 * i, "number": i} for i in range(8)]
NOT_LIVE = CheckResult("liveness_depth", Status.ASSESSED, Outcome.FAIL, 0.1, "log ratio", 0.0, "face_flat", 0.5)


@pytest.fixture
def verifier() -> FakeVerifier:
    return FakeVerifier()


@pytest.fixture
def app(on_either: Settings, verifier: FakeVerifier) -> Any:
    return create_app(on_either, verifier)


def session(app: Any, **wanted: Any) -> dict[str, Any]:
    body: dict[str, Any] = ask(app, "POST", "/v1/capture-sessions", json=wanted).json()
    return body


def post(app: Any, session_id: str | None, told: Any = None, frames: int | None = None, **more: Any) -> httpx.Response:
    told = {"frames": SHOTS} if told is None else told
    pictures = range(len(told["frames"]) if frames is None else frames)
    parts = [*FILES.items(), *(("frames", (f"{i}", b"y" * 50, "image/jpeg")) for i in pictures)]
    headers = {name: value for name, value in {"Capture-Session": session_id, **more}.items() if value is not None}
    data = {"metadata": json.dumps({"liveness": told})}
    return ask(app, "POST", "/v1/verifications", files=parts, data=data, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_frames_are_examined_against_the_sessions_challenge(app: Any, verifier: FakeVerifier) -> None:
    opened = session(app, options={"photosensitive": True})
    camera = {"requested": [640, 480, 30.0], "reported": [480, 640, 29.9], "open_ms": 300.0}
    before = datetime.now(UTC)
    assert post(app, opened["id"], {"frames": SHOTS, "camera": camera}).status_code == 201
    (answer,) = verifier.answers
    assert answer is not None
    assert answer.challenge.to_json() == opened["challenge"]
    assert [(shot.captured_ms, shot.number) for shot in answer.timings] == [(100.0 * i, i) for i in range(8)]
    assert answer.camera == CameraReport((640, 480, 30.0), (480, 640, 29.9), 300.0)
    assert before <= answer.received_at <= datetime.now(UTC)
    (wiped,) = a_receipt(verifier)
    assert wiped.count == len(FILES) + len(SHOTS)
    assert {"selfie", "frame_00", "frame_07"} <= set(wiped.roles)


def a_receipt(verifier: FakeVerifier) -> Any:
    return verifier.sessions[-1].wipe().wiped


def test_missing_frames_are_refused_only_where_liveness_is_required(
    on_either: Settings, verifier: FakeVerifier
) -> None:
    app = create_app(on_either, verifier)
    given = ask(app, "POST", "/v1/verifications", files=FILES, headers={"Capture-Session": session(app)["id"]})
    assert given.status_code == 201
    assert verifier.answers == [None]
    strict = create_app(on_either.model_copy(update={"liveness_required": True}), verifier)
    opened = session(strict)["id"]
    refused = ask(strict, "POST", "/v1/verifications", files=FILES, headers={"Capture-Session": opened})
    assert code(refused) == (422, "frames_missing")
    assert post(strict, opened).status_code == 201


@pytest.mark.parametrize(
    ("told", "frames", "expected"),
    [
        ({"frames": SHOTS}, 7, (422, "frames_unusable")),
        ({"frames": SHOTS}, 9, (422, "frames_unusable")),
        ({"frames": SHOTS}, 0, (422, "frames_unusable")),
        ({"frames": SHOTS[:7]}, 7, (422, "metadata_invalid")),
        ({"frames": SHOTS * 7}, 56, (400, "upload_malformed")),
        ({"frames": [*SHOTS[:7], {"captured_ms": 1e12, "number": 1}]}, 8, (422, "metadata_invalid")),
        ({"frames": [*SHOTS[:7], {"captured_ms": "NaN", "number": 1}]}, 8, (422, "metadata_invalid")),
        ({"frames": SHOTS, "camera": {"requested": [1, 2], "reported": [1, 2, 3], "open_ms": 1}}, 8, None),
    ],
)
def test_frames_and_their_metadata_must_agree(
    app: Any, verifier: FakeVerifier, told: Any, frames: int, expected: tuple[int, str] | None
) -> None:
    opened = session(app)["id"]
    assert code(post(app, opened, told, frames)) == (expected or (422, "metadata_invalid"))
    assert verifier.answers == []
    assert all(held.outstanding == 0 for held in verifier.sessions)
    assert post(app, opened).status_code == 201


def test_too_many_and_too_large_frames_are_refused(app: Any, verifier: FakeVerifier) -> None:
    shots = [{"captured_ms": 40.0 * i, "number": i} for i in range(MAX_FRAMES)]
    assert post(app, session(app)["id"], {"frames": shots}).status_code == 201
    large = ("frames", ("0", b"z" * (512 * 1024 + 1), "image/jpeg"))
    headers = {"Capture-Session": session(app)["id"]}
    refused = ask(app, "POST", "/v1/verifications", files=[*FILES.items(), large], headers=headers)
    assert code(refused) == (413, "capture_too_large")
    assert refused.json()["capture"] == "frame_00"


def test_frames_without_a_session_are_refused(on_either: Settings, verifier: FakeVerifier) -> None:
    app = create_app(on_either.model_copy(update={"session_required": False}), verifier)
    assert code(post(app, None)) == (422, "challenge_missing")
    assert verifier.answers == []


def test_late_frames_decide_nothing_and_another_challenge_is_issued(
    on_either: Settings, verifier: FakeVerifier
) -> None:
    app = create_app(on_either.model_copy(update={"challenge_s": 0.3}), verifier)
    opened = session(app)
    time.sleep(0.4)
    assert code(post(app, opened["id"])) == (410, "challenge_lapsed")
    again = ask(app, "POST", f"/v1/capture-sessions/{opened['id']}/challenges")
    assert again.status_code == 201
    assert post(app, opened["id"]).status_code == 201
    (answer,) = verifier.answers
    assert answer is not None
    assert answer.challenge.to_json() == again.json()


def test_a_session_issues_a_limited_number_of_challenges(on_either: Settings, verifier: FakeVerifier) -> None:
    app = create_app(on_either.model_copy(update={"challenges": 3}), verifier)
    opened = session(app, options={"cannot_nod": True})
    place = f"/v1/capture-sessions/{opened['id']}/challenges"
    asked = [opened["challenge"], *(ask(app, "POST", place).json() for _ in range(2))]
    assert len({challenge["nonce"] for challenge in asked}) == 3
    assert all(challenge["options"]["cannot_nod"] for challenge in asked)
    assert code(ask(app, "POST", place)) == (409, "challenges_used")
    assert code(ask(app, "POST", place.replace(opened["id"], "cs_" + "0" * 26))) == (422, "session_unknown")


def test_a_session_with_a_verdict_issues_no_challenge(app: Any) -> None:
    opened = session(app)["id"]
    assert post(app, opened).status_code == 201
    assert code(ask(app, "POST", f"/v1/capture-sessions/{opened}/challenges")) == (409, "session_used")


def test_a_retry_with_other_frames_is_another_request(app: Any) -> None:
    opened = session(app)["id"]
    first = post(app, opened, **{"Idempotency-Key": "key-1"})
    assert first.status_code == 201
    same = post(app, opened, **{"Idempotency-Key": "key-1"})
    assert (same.status_code, same.headers["idempotency-replayed"]) == (201, "true")
    told = {"frames": [*SHOTS[:7], {"captured_ms": 701.0, "number": 7}]}
    assert code(post(app, opened, told, **{"Idempotency-Key": "key-1"})) == (422, "idempotency_key_reused")


def test_five_failures_lock_a_device(app: Any, verifier: FakeVerifier) -> None:
    good = a_verdict()
    verifier.verdict = replace(good, decision=Decision.REJECT, reasons=("face_flat",), checks=(NOT_LIVE,))
    waiting = session(app, device="kiosk-17")["id"]
    for _ in range(5):
        assert post(app, session(app, device="kiosk-17")["id"]).json()["decision"] == "reject"
    locked = ask(app, "POST", "/v1/capture-sessions", json={"device": "kiosk-17"})
    assert code(locked) == (429, "device_locked")
    assert 590 <= int(locked.headers["retry-after"]) <= 600
    assert code(post(app, waiting)) == (429, "device_locked")
    assert code(ask(app, "POST", f"/v1/capture-sessions/{waiting}/challenges")) == (429, "device_locked")
    assert session(app, device="kiosk-18")["id"]
    assert session(app)["id"]


def test_a_lock_ends_and_its_failures_are_deleted(app: Any, verifier: FakeVerifier, on_either: Settings) -> None:
    verifier.verdict = replace(a_verdict(), checks=(NOT_LIVE,))
    for _ in range(5):
        post(app, session(app, device="kiosk-17")["id"])
    ledger = create_ledger(on_either)
    with ledger.sessions._database.write() as connection:
        kept = [*connection.execute(select(FAILURES.c.device)), *connection.execute(select(SESSIONS.c.device))]
        assert len(kept) == 10
        assert all(len(device) == 32 and b"kiosk" not in device for (device,) in kept)
        connection.execute(update(FAILURES).values(at_ms=FAILURES.c.at_ms - 601_000))
    assert session(app, device="kiosk-17")["id"]
    with ledger.sessions._database.write() as connection:
        connection.execute(update(FAILURES).values(at_ms=FAILURES.c.at_ms - 200_000))
    ledger.clean(30, 24)
    with ledger.sessions._database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(FAILURES)) == 0


def create_ledger(settings: Settings) -> Ledger:
    return Ledger(VerdictStore.open(settings, Keys.open(settings).sealing))


def test_the_client_library_sends_frames_and_does_not_retry_a_locked_device(
    on_either: Settings, verifier: FakeVerifier
) -> None:
    frames = [Frame(b"y" * 50, 100.0 * i, i) for i in range(8)]
    captures = dict.fromkeys(FILES, b"x")
    with serving(on_either, verifier) as (host, port), Client(f"http://{host}:{port}") as client:
        opened = client.open_session({"cannot_turn": True}, device="kiosk-1")
        newer = client.challenge(opened.id)
        assert newer["nonce"] != opened.challenge["nonce"]
        assert client.verify(captures, Answer(frames, Camera((1, 2, 3.0), (1, 2, 3.0), 5.0)), session=opened.id)
        (answer,) = verifier.answers
        assert answer is not None
        assert (answer.challenge.to_json(), answer.camera) == (newer, CameraReport((1, 2, 3.0), (1, 2, 3.0), 5.0))
        verifier.verdict = replace(a_verdict(), checks=(NOT_LIVE,))
        for _ in range(5):
            client.verify(captures, Answer(frames), session=client.open_session(device="kiosk-1").id)
        with pytest.raises(Problem) as caught:
            client.open_session(device="kiosk-1")
        assert caught.value.code == "device_locked"


def test_a_challenge_is_valid_for_two_minutes(app: Any) -> None:
    challenge = session(app)["challenge"]
    issued, expires = (datetime.fromisoformat(challenge[name]) for name in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(seconds=120)
