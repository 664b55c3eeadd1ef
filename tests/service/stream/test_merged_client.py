"""A device whose client is merged into another one while it is connected: a real server, no networks."""

from pathlib import Path

import httpx
import pytest
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
