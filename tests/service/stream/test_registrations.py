"""Streams that name a registration: an attempt from a kiosk, and card and face taken again at a counter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from commands import idproof
from stream_server import BlankCamera, StreamVerifier, capture_everything, stream_server, with_device

from idproof.pipeline import VaultSession, Verdict
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.simulator import player
from idproof.service.stream.simulator.device import Device, DeviceProblem


class ReadingVerifier(StreamVerifier):
    """Reads the card's number, and leaves a doubt that new captures settle."""

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        return replace(super().verify_session(session, answer, origin), form={"number": "A123456(3)"})


def enroll_for(settings: Settings, name: str) -> str:
    """Returns the key of a device of the client of this name."""
    store, _ = open_verdicts_and_audit(settings.data_dir)
    client = ApiKeys(store.database).resolve(name)
    return Kiosks(store.database, store.seal).enroll(f"device of {name}", client)


async def register(device: Device, **named: Any) -> dict[str, Any]:
    await device.start(**named)
    await capture_everything(device)
    await device.send({"type": "finish"})
    return await device.receive("verdict")


def test_a_refer_at_a_kiosk_is_accepted_by_captures_and_an_officer_at_a_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)
    app = bearer(key(settings, Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ, client="app"))
    officer = bearer(key(settings, Scope.COUNTER_WRITE, client="counter"))
    kiosk, desk = enroll_for(settings, "app"), enroll_for(settings, "counter")
    with stream_server(settings, ReadingVerifier(), monkeypatch) as url:
        registration = httpx.post(f"{url}/v1/registrations", headers=app).json()["id"]
        place = f"{url}/v1/registrations/{registration}"
        referred = with_device(
            url, kiosk, lambda device: register(device, registration=registration, language="zh-Hans")
        )
        assert referred["decision"] == "refer"
        assert referred["registration"]["status"] == "needs_new_capture"
        assert referred["registration"]["next"]["text"].startswith("请重新拍摄")
        assert httpx.get(place, headers=app).json()["status"] == "needs_new_capture"
        with pytest.raises(DeviceProblem, match="registration_unknown"):
            with_device(url, desk, lambda device: device.start(registration=registration))
        code = httpx.post(f"{place}/counter-ticket", headers=app).json()["code"]
        with pytest.raises(DeviceProblem, match="registration_closed"):
            with_device(url, kiosk, lambda device: device.start(registration=registration))
        assert httpx.post(f"{url}/v1/counter/{code}", headers=officer).json()["captured"] is None
        taken = with_device(url, desk, lambda device: register(device, registration=registration))
        assert httpx.post(f"{url}/v1/counter/{code}", headers=officer).json()["captured"] == taken["id"]
        choice = {"decision": "accept", "officer": "officer-7"}
        decided = httpx.post(f"{url}/v1/counter/{code}/decision", json=choice, headers=officer)
        assert (decided.status_code, decided.json()["status"]) == (201, "accepted"), decided.text
        shown = httpx.get(place, headers=app).json()
    assert [entry["event"] for entry in shown["history"]] == [
        "opened",
        "verdict_to_capture",
        "counter_chosen",
        "counter_captured",
        "counter_accepted",
    ]
    assert shown["verification"] == taken["id"]


def test_a_replay_is_made_of_attempts_of_the_registration_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, file = Settings(data_dir=tmp_path, registration_attempts=2), tmp_path / "key"
    app = bearer(key(settings, Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ, client="app"))
    file.write_text(enroll_for(settings, "app"), encoding="utf-8")
    monkeypatch.setattr(player, "cameras", lambda *_: [BlankCamera()] * 3)
    with stream_server(settings, ReadingVerifier(), monkeypatch) as url:
        command = ("kiosk", "replay", "--sets", tmp_path, "--keys", file, "--url", url)
        registration = httpx.post(f"{url}/v1/registrations", headers=app).json()["id"]
        told = idproof(*command, "--registration", registration)
        shown = httpx.get(f"{url}/v1/registrations/{registration}", headers=app).json()
        assert told.returncode == 0, told.stderr
        lines = [line.split() for line in told.stdout.splitlines() if line.startswith(("cs_", "- "))]  # not the log's
        assert [line[1] for line in lines] == ["refer", "refer", "registration_closed"]
        assert [attempt["decision"] for attempt in shown["attempts"]] == ["refer", "refer"]
        assert lines[2][0] == "-", "no session was started"
        with_load = idproof(*command, "--registration", registration, "--seconds", 1)
        assert (with_load.returncode, "--registration" in with_load.stderr) == (2, True)
