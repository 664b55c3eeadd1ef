"""A device whose client is merged into another one while it is connected: a real server, no networks."""

import asyncio
from pathlib import Path

import httpx
import pytest
from page_devices import PageDevice
from stream_server import StreamVerifier, capture_everything, stream_server, with_device

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.simulator.device import Device


def test_the_remaining_client_reads_the_verdicts_of_a_device_that_was_connected_during_the_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_server(Settings(data_dir=tmp_path, anonymous=False), StreamVerifier(), monkeypatch) as url:
        store, _ = open_verdicts_and_audit(tmp_path)
        keys = ApiKeys(store.database)
        remaining = keys.create("backend", [Scope.VERDICT_READ])
        keys.create("older", [Scope.VERDICT_READ])
        device_key = Kiosks(store.database, store.seal).enroll("Counter 3", keys.resolve("older"))

        async def act(device: Device) -> str:
            keys.merge(keys.resolve("older"), keys.resolve("backend"))
            await device.start()
            await capture_everything(device)
            await device.send({"type": "finish"})
            return str((await device.receive("verdict"))["id"])

        verdict = with_device(url, device_key, act)
        read = httpx.get(f"{url}/v1/verifications/{verdict}", headers={"X-API-Key": remaining})
        assert (read.status_code, read.json()["id"]) == (200, verdict)


def test_the_remaining_client_reads_the_verdict_of_a_page_that_was_connected_during_the_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = "https://shop.example"
    settings = Settings(data_dir=tmp_path, anonymous=False, capture_origins=shop)
    with stream_server(settings, StreamVerifier(), monkeypatch) as url:
        store, _ = open_verdicts_and_audit(tmp_path)
        keys = ApiKeys(store.database)
        remaining = keys.create("backend", [Scope.VERDICT_READ])
        older = keys.create("older", [Scope.VERIFY_WRITE])
        asked = httpx.post(f"{url}/v1/capture-tokens", json={"origin": shop}, headers={"X-API-Key": older})

        async def run() -> str:
            page = await PageDevice.open(url, asked.json()["token"], shop)
            keys.merge(keys.resolve("older"), keys.resolve("backend"))
            await page.start()
            await capture_everything(page)
            await page.send({"type": "finish"})
            verdict = str((await page.receive("verdict"))["id"])
            await page.socket.close()
            return verdict

        verdict = asyncio.run(run())
        read = httpx.get(f"{url}/v1/verifications/{verdict}", headers={"X-API-Key": remaining})
        assert (read.status_code, read.json().get("id")) == (200, verdict)
