"""A passkey at a device belongs to the applicant who was just accepted there, and to nobody else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import a_verdict
from passkey_bench import PasskeyBench, passkey_settings
from soft_passkeys import ORIGIN, Authenticator
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.pipeline import Decision
from idproof.service.operations.settings import Settings
from idproof.service.stream import accepted
from idproof.service.stream.simulator.device import Device, DeviceProblem


class DecidingVerifier(StreamVerifier):
    """Decides as a test says."""

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        self.verdict = replace(a_verdict(), decision=decision, reasons=())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return passkey_settings(Settings(data_dir=tmp_path), passkey_origins=ORIGIN)


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, act: Any, decision: Decision = Decision.ACCEPT) -> Any:
    with stream_server(settings, DecidingVerifier(decision), monkeypatch) as url:
        return with_device(url, enroll(settings.data_dir), act)


async def decided(device: Device) -> dict[str, Any]:
    await device.start()
    await capture_everything(device)
    await device.send({"type": "finish"})
    return dict(await device.receive("verdict"))


async def made(device: Device, authenticator: Authenticator) -> dict[str, Any]:
    await device.send({"type": "passkey"})
    options = await device.receive("passkey_options")
    response = authenticator.create(options["public_key"])
    await device.send({"type": "passkey_made", "id": options["id"], "response": response})
    return dict(await device.receive("passkey_bound"))


def test_the_accepted_applicant_makes_a_passkey(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> tuple[dict[str, Any], dict[str, Any]]:
        return await decided(device), await made(device, Authenticator())

    verdict, bound = run(settings, monkeypatch, act)
    assert verdict["passkey"] is True
    bench = PasskeyBench(settings)
    (stored,) = bench.passkeys.entries()
    assert (stored.id, stored.verification) == (bound["id"], verdict["id"])


def test_nobody_else_makes_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a session, within one, for another session, once the next applicant has begun, and late."""

    async def refused(device: Device, **more: Any) -> str:
        await device.send({"type": "passkey", **more})
        with pytest.raises(DeviceProblem) as caught:
            await device.receive("passkey_options")
        return str(caught.value.code)

    async def act(device: Device) -> list[str]:
        codes = [await refused(device)]
        await device.start()
        codes.append(await refused(device))
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        await decided(device)
        codes.append(await refused(device, session="cs_" + "0" * 26))
        await device.send({"type": "passkey"})
        options = await device.receive("passkey_options")
        await device.start()
        response = Authenticator().create(options["public_key"])
        await device.send({"type": "passkey_made", "id": options["id"], "response": response})
        with pytest.raises(DeviceProblem) as caught:
            await device.receive("passkey_bound")
        codes.append(str(caught.value.code))
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        await decided(device)
        monkeypatch.setattr(accepted, "OFFER_S", -1.0)
        return [*codes, await refused(device)]

    assert set(run(settings, monkeypatch, act)) == {"message_unexpected"}
    assert PasskeyBench(settings).passkeys.entries() == []


def test_an_applicant_who_is_referred_is_offered_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> dict[str, Any]:
        verdict = await decided(device)
        await device.send({"type": "passkey"})
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await device.receive("passkey_options")
        return verdict

    assert run(settings, monkeypatch, act, Decision.REFER)["passkey"] is False


def test_a_wrong_answer_is_refused_and_the_connection_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(device: Device) -> str:
        await decided(device)
        with pytest.raises(DeviceProblem) as caught:
            await made(device, Authenticator(origin="https://evil.example"))
        await made(device, Authenticator())
        return str(caught.value.code)

    assert run(settings, monkeypatch, act) == "passkey_refused"


def test_without_a_domain_none_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> dict[str, Any]:
        verdict = await decided(device)
        await device.send({"type": "passkey"})
        with pytest.raises(DeviceProblem) as caught:
            await device.receive("passkey_options")
        assert caught.value.code == "passkeys_off"
        return verdict

    assert run(Settings(data_dir=tmp_path), monkeypatch, act)["passkey"] is False
