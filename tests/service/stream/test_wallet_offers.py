"""Credentials at a device are offered to the applicant who was just accepted there: first the link, then the code."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import idproof
from fakes import a_verdict
from page_devices import PageDevice
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device
from wallets import Wallet

from idproof.pipeline import Decision
from idproof.pipeline.documents import load_builtin
from idproof.service.operations.settings import Settings
from idproof.service.stream import accepted
from idproof.service.stream.simulator.device import Device, DeviceProblem

ISSUER = "https://issuer.example"


class DecidingVerifier(StreamVerifier):
    """Decides as a test says, about a card of the built-in type."""

    document = load_builtin()  # type: ignore[assignment]

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        self.verdict = replace(a_verdict(), decision=decision, reasons=(), document_type=self.document.name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, credential_issuer=ISSUER)


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, act: Any, decision: Decision = Decision.ACCEPT) -> Any:
    with stream_server(settings, DecidingVerifier(decision), monkeypatch) as url:
        key = enroll(settings.data_dir)
        return with_device(url, key, lambda device: act(device, url))


async def decided(device: Device) -> dict[str, Any]:
    await device.start()
    await capture_everything(device)
    await device.send({"type": "finish"})
    return dict(await device.receive("verdict"))


async def offered(device: Device, **more: Any) -> dict[str, Any]:
    await device.send({"type": "credential", **more})
    return dict(await device.receive("credential_offer"))


async def code(device: Device) -> str:
    await device.send({"type": "credential_code"})
    return str((await device.receive("transaction_code"))["code"])


async def refused(device: Device, kind: str, answer: str, **more: Any) -> str:
    await device.send({"type": kind, **more})
    with pytest.raises(DeviceProblem) as caught:
        await device.receive(answer)
    return str(caught.value.code)


class _Http:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url + path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return httpx.post(self.url + path, **more)


def test_a_page_with_a_capture_token_is_offered_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token was made with the scope of captures, and whoever redeems an offer reads every claim."""
    shop = "https://shop.example"
    settings = settings.model_copy(update={"capture_origins": shop})

    async def act(url: str) -> tuple[dict[str, Any], str]:
        issued = httpx.post(f"{url}/v1/capture-tokens", json={"origin": shop}).json()
        page = await PageDevice.open(url, issued["token"], shop)
        verdict = await decided(page)
        code = await refused(page, "credential", "credential_offer")
        await page.socket.close()
        return verdict, code

    with stream_server(settings, DecidingVerifier(Decision.ACCEPT), monkeypatch) as url:
        verdict, code = asyncio.run(act(url))
    assert verdict["decision"] == "accept"
    assert not any(verdict[offer] for offer in ("passkey", "credential", "guardian"))
    assert code == "message_unexpected"


def test_a_wallet_redeems_what_the_device_was_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device, url: str) -> tuple[dict[str, Any], dict[str, Any], Wallet]:
        verdict = await decided(device)
        offer = await offered(device, session=verdict["session"])
        wallet = Wallet(_Http(url))
        wallet.redeem(offer["link"], await code(device))
        assert await refused(device, "credential", "credential_offer") == "credential_unavailable"
        return verdict, offer, wallet

    verdict, offer, wallet = run(settings, monkeypatch, act)
    assert verdict["credential"] is True
    assert offer["session"] == verdict["session"]
    assert {name: len(copies) for name, copies in wallet.copies.items()} == {"identity_sd_jwt": 2, "identity_mdoc": 2}


def test_the_code_is_not_told_with_the_link(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device, _url: str) -> tuple[str, str, dict[str, Any]]:
        await decided(device)
        early = await refused(device, "credential_code", "transaction_code")
        offer = await offered(device)
        return early, await code(device), offer

    early, told, offer = run(settings, monkeypatch, act)
    assert early == "message_unexpected"
    assert len(told) == 6
    assert offer.keys() == {"type", "link", "qr", "expires_at", "session"}
    assert told not in json.dumps(offer | {"qr": []})


def test_another_offer_has_another_code_and_ends_the_one_before(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(device: Device, url: str) -> str:
        await decided(device)
        first, first_code = await offered(device), await code(device)
        second, second_code = await offered(device), await code(device)
        assert first["link"] != second["link"]
        with pytest.raises(KeyError):  # no access token
            Wallet(_Http(url)).redeem(first["link"], first_code)
        Wallet(_Http(url)).redeem(second["link"], second_code)
        return await refused(device, "credential", "credential_offer")

    assert run(settings, monkeypatch, act) == "credential_unavailable"


def test_nobody_else_is_offered_any(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a session, within one, for another session, once the next applicant has begun, and late."""

    async def act(device: Device, _url: str) -> list[str]:
        codes = [await refused(device, "credential", "credential_offer")]
        await decided(device)
        codes.append(await refused(device, "credential", "credential_offer", session="cs_" + "0" * 26))
        await offered(device)
        await device.start()
        codes.append(await refused(device, "credential_code", "transaction_code"))
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        await decided(device)
        codes.append(await refused(device, "credential_code", "transaction_code"))  # of the applicant before
        monkeypatch.setattr(accepted, "OFFER_S", -1.0)
        return [*codes, await refused(device, "credential", "credential_offer")]

    assert run(settings, monkeypatch, act) == ["message_unexpected"] * 5


def test_an_applicant_who_is_referred_is_offered_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device, _url: str) -> dict[str, Any]:
        verdict = await decided(device)
        assert await refused(device, "credential", "credential_offer") == "message_unexpected"
        return verdict

    assert run(settings, monkeypatch, act, Decision.REFER)["credential"] is False


def test_without_an_issuer_none_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device, _url: str) -> dict[str, Any]:
        verdict = await decided(device)
        assert await refused(device, "credential", "credential_offer") == "credentials_off"
        return verdict

    assert run(Settings(data_dir=tmp_path), monkeypatch, act)["credential"] is False


def test_of_an_erased_registration_none_is_offered(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device, _url: str) -> str:
        verdict = await decided(device)
        done = idproof("verdict", "erase", "--id", verdict["id"], "--data-dir", settings.data_dir)
        assert done.returncode == 0, done.stderr
        return await refused(device, "credential", "credential_offer")

    assert run(settings, monkeypatch, act) == "credential_unavailable"
