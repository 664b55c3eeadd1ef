"""A guardian who joins a child's session at a device: the proof is that of the interface, and nothing less joins."""

from pathlib import Path
from typing import Any

import pytest
from family import CHILD
from stream_server import capture_everything, enroll, stream_server, with_device
from streamed_family import Family

from idproof.service.operations.settings import Settings
from idproof.service.stream.simulator.device import Device, DeviceProblem


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, guardians=True)


async def finished(device: Device) -> dict[str, Any]:
    await capture_everything(device)
    await device.send({"type": "finish"})
    return dict(await device.receive("verdict"))


async def consent(device: Device) -> dict[str, Any]:
    await device.send({"type": "guardian_consent"})
    return dict(await device.receive("guardian_consent"))


async def joined(device: Device, **proof: Any) -> str:
    await device.send({"type": "guardian", **proof})
    try:
        return str((await device.receive("guardian_joined"))["verification"])
    except DeviceProblem as problem:
        return str(problem.code)


def test_only_the_whole_proof_lets_a_guardian_join(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Family()

    async def act(device: Device) -> None:
        nonce = (await device.start())["nonce"]
        parent = await finished(device)
        assert (parent["decision"], parent["guardian"]) == ("accept", True)
        verifier.card = CHILD
        await device.start(language="zh-Hant")
        shown = await consent(device)
        assert "監護人" in shown["text"]
        whole = {"verification": parent["id"], "nonce": nonce, "consent_sha256": shown["sha256"]}
        assert await joined(device, **whole | {"nonce": "A" * 43}) == "guardian_refused"
        assert await joined(device, **whole | {"verification": "ver_" + "0" * 26}) == "guardian_refused"
        assert await joined(device, **whole | {"consent_sha256": "0" * 64}) == "guardian_consent_missing"
        assert await joined(device, **whole, session="cs_" + "0" * 26) == "message_unexpected"
        alone = await finished(device)
        assert (alone["decision"], alone["reasons"], alone["guardian"]) == ("refer", ["guardian_missing"], False)
        registration = alone["registration"]["id"]
        await device.start(registration=registration)
        assert await joined(device, **whole) == parent["id"]
        child = await finished(device)
        assert (child["decision"], child["guardian"]) == ("accept", False)  # a child is nobody's guardian
        assert child["registration"]["id"] == registration

    with stream_server(settings, verifier, monkeypatch) as url:
        with_device(url, enroll(settings.data_dir), act)


def test_switched_off_nobody_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> str:
        await device.start()
        with pytest.raises(DeviceProblem) as caught:
            await consent(device)
        return str(caught.value.code)

    with stream_server(Settings(data_dir=tmp_path), Family(), monkeypatch) as url:
        assert with_device(url, enroll(tmp_path), act) == "guardians_off"
