"""Facts that operators learn of their devices: counts, durations, calls for staff, software and camera; no person."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream import operators
from idproof.service.stream.simulator.device import Device, DeviceProblem
from idproof.service.stream.verification import duration_step

TODAY = datetime.now(UTC).date()
CAMERA = {"state": "ok", "width": 1280, "height": 720, "frames_per_s": 29.8}


def kiosks_of(folder: Path) -> Kiosks:
    store, _ = open_verdicts_and_audit(folder)
    return Kiosks(store.database, store.seal)


async def register(device: Device) -> dict[str, Any]:
    await device.start()
    await capture_everything(device)
    await device.send({"type": "finish"})
    return await device.receive("verdict")


def test_a_registration_is_counted_today_with_its_duration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        verdict = with_device(url, enroll(tmp_path, "=Counter 3"), register)
        (whole,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
        (today,) = httpx.get(f"{url}/v1/kiosks", params={"since": str(TODAY)}).json()["devices"]
        past = {"since": "2020-01-01", "until": "2020-01-31"}
        (before,) = httpx.get(f"{url}/v1/kiosks", params=past).json()["devices"]
        table = httpx.get(f"{url}/v1/kiosks/days.csv")
        metrics = httpx.get(f"{url}/metrics").text
    for shown in (whole, today):
        assert (shown["started"], shown["finished"], shown[verdict["decision"]]) == (1, 1, 1)
        assert 30 <= shown["median_s"] == shown["p90_s"] <= 120
    assert (before["started"], before["finished"], before["median_s"]) == (0, 0, None)
    assert table.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["day"], row["started"], row["finished"], row["name"]) == (str(TODAY), "1", "1", "'=Counter 3")
    assert row["median_s"] == str(whole["median_s"])
    assert verdict["id"] not in table.text
    assert "lasted" not in metrics


@pytest.mark.parametrize(
    "period", [{"since": "2026-02-01", "until": "2026-01-01"}, {"since": "2020-01-01"}, {"since": "yesterday"}]
)
def test_a_period_that_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, period: dict[str, str]
) -> None:
    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        for path in ("/v1/kiosks", "/v1/kiosks/days.csv"):
            answer = httpx.get(url + path, params=period)
            assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_counts_of_days_add_up(tmp_path: Path) -> None:
    kiosks = kiosks_of(tmp_path)
    kiosk = kiosks.enroll("Counter 3").split("_")[1]
    kiosks.count(kiosk, {"started": 2, "hint:good:shown": 3})
    kiosks.count(kiosk, {"started": 1, "accept": 1})
    found = kiosks.counts_by_day(TODAY - timedelta(days=1), TODAY + timedelta(days=1))
    (day,) = found
    assert (day[0], found[day]) == (kiosk, {"started": 3, "accept": 1})
    assert kiosks.counts()[kiosk] == {"started": 3, "accept": 1, "hint:good:shown": 3}
    assert kiosks.counts_by_day(date(2020, 1, 1), date(2020, 1, 2)) == {}


def test_durations_are_ends_of_steps() -> None:
    assert [duration_step(seconds) for seconds in (0, 30, 30.1, 9999)] == [
        "lasted:30",
        "lasted:30",
        "lasted:60",
        "lasted:1200",
    ]
    counts = {"lasted:30": 1, "lasted:60": 8, "lasted:600": 1, "finished": 10}
    assert [operators.duration(counts, share) for share in (0.05, 0.5, 0.9, 0.95)] == [30, 60, 60, 600]


def test_a_call_is_acknowledged_and_the_applicant_hears_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idproof.service.stream.connection._RENEWALS_PER_LEASE", 15 / 0.1)

    async def act(device: Device) -> None:
        place = f"{url}/v1/kiosks/{device_id}/call-acknowledgement"
        async with httpx.AsyncClient() as operator:
            assert (await operator.post(place)).status_code == 404
            await device.send({"type": "staff"})
            await device.receive("staff_called")
            (called,) = (await operator.get(f"{url}/v1/kiosks")).json()["devices"]
            assert called["staff_called"]
            assert called["staff_acknowledged"] is None
            assert (await operator.post(place)).status_code == 204
            assert await device.next() == {"type": "staff_coming"}
            (seen,) = (await operator.get(f"{url}/v1/kiosks")).json()["devices"]
            assert (seen["staff_called"], seen["staff_acknowledged"]) == (called["staff_called"], seen["staff_called"])
            await device.send({"type": "language", "language": "en"})
            assert (await device.next())["type"] == "language_taken", "it is told once"

    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        key = enroll(tmp_path)
        device_id = key.split("_")[1]
        with_device(url, key, act)


def test_a_later_call_is_open_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosks = kiosks_of(tmp_path)
    kiosk = kiosks.enroll("Counter 3").split("_")[1]
    assert not kiosks.acknowledge_call(kiosk)
    assert kiosks.connect(kiosk, "one")
    for at, acknowledged in (("2026-01-01T00:00:00+00:00", True), ("2999-01-01T00:00:00+00:00", False)):
        kiosks.renew(kiosk, "one", {"staff_at": at})
        assert kiosks.acknowledge_call(kiosk)
        (entry,) = kiosks.entries()
        assert entry.staff_acknowledged is acknowledged
    assert not kiosks.acknowledge_call("0" * 16)


def test_a_device_reports_its_software_and_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> None:
        await device.send({"type": "report", "software": "kiosk page 1.4.0; Chromium 131", "camera": CAMERA})
        await device.receive("report_taken")
        await device.send({"type": "report", "software": "kiosk page 1.4.1", "camera": {"state": "lost"}})
        await device.receive("report_taken")

    async def wrong(device: Device) -> str:
        await device.send({"type": "report", "software": "鏡頭", "camera": CAMERA | {"label": "HD Webcam of Tai Man"}})
        with pytest.raises(DeviceProblem) as problem:
            await device.receive("report_taken")
        return str(problem.value)

    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        key = enroll(tmp_path)
        with_device(url, key, act)
        (entry,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
        assert "message_invalid" in with_device(url, key, wrong)
    assert (entry["software"], entry["camera"]) == ("kiosk page 1.4.1", {"state": "lost"})
    assert entry["reported_at"]
