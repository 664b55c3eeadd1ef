"""Tickets for a counter at a device: for the applicant whose verdict it has just shown, and for nobody else."""

import re
from pathlib import Path
from typing import Any

import counter_page as counter
import pytest
from access_keys import bearer, key
from fakes import ask
from stream_server import capture_everything, enroll, stream_server, with_device

from idproof.pipeline import Decision
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.cases.tickets import CounterTickets
from idproof.service.http.app import create_app
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.stream import counter_tickets
from idproof.service.stream.simulator.device import Device, DeviceProblem


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, device_tickets=True)


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, act: Any, decision: Decision = Decision.REFER) -> Any:
    verifier = counter.ReferringVerifier()
    verifier.given = decision
    with stream_server(settings, verifier, monkeypatch) as url:
        return with_device(url, enroll(settings.data_dir), act)


async def decided(device: Device, **more: Any) -> dict[str, Any]:
    await device.start(**more)
    await capture_everything(device)
    await device.send({"type": "finish"})
    return dict(await device.receive("verdict"))


async def ticket(device: Device, **more: Any) -> dict[str, Any]:
    await device.send({"type": "counter_ticket", **more})
    return dict(await device.receive("counter_ticket"))


async def refused(device: Device, **more: Any) -> str:
    with pytest.raises(DeviceProblem) as caught:
        await ticket(device, **more)
    return str(caught.value.code)


def test_a_referred_applicant_gets_a_ticket_and_a_second_one_makes_the_first_void(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(device: Device) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        assert await refused(device) == "message_unexpected"  # no verdict yet
        verdict = await decided(device)
        return verdict, [await ticket(device, session=verdict["session"]) for _ in range(2)]

    verdict, issued = run(settings, monkeypatch, act)
    shown = verdict["registration"]
    assert (shown["status"], shown["ticket"], shown["visit"]) == ("at_counter", True, False)
    first, second = (one["code"] for one in issued)
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", second)
    assert issued[1]["qr"]
    app = create_app(settings, counter.ReferringVerifier())
    headers = bearer(key(settings, Scope.COUNTER_WRITE, client="counter"))
    codes = [ask(app, "POST", f"/v1/counter/{code}", headers=headers).status_code for code in (first, second)]
    assert codes == [403, 200]


def test_a_ticket_belongs_to_the_session_that_has_just_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(device: Device) -> list[str]:
        await decided(device)
        found = [await refused(device, session="cs_" + "0" * 26)]
        monkeypatch.setattr(counter_tickets, "OFFER_S", -1.0)
        found.append(await refused(device))
        monkeypatch.undo()
        await device.start()  # the next applicant
        return [*found, await refused(device)]

    assert run(settings, monkeypatch, act) == ["message_unexpected"] * 3


def test_who_was_accepted_needs_no_ticket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(device: Device) -> tuple[bool, str]:
        verdict = await decided(device)
        return verdict["registration"]["ticket"], await refused(device)

    assert run(settings, monkeypatch, act, Decision.ACCEPT) == (False, "registration_closed")


def test_switched_off_no_registration_is_opened_and_no_ticket_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(device: Device) -> tuple[bool, str]:
        return "registration" in await decided(device), await refused(device)

    assert run(Settings(data_dir=tmp_path), monkeypatch, act) == (False, "message_unexpected")


def test_the_device_of_a_counter_gets_no_ticket_of_its_visitor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key(settings, Scope.COUNTER_WRITE, client="counter")
    with stream_server(settings, counter.ReferringVerifier(), monkeypatch) as url:

        async def first(device: Device) -> str:
            verdict = await decided(device)
            code: str = (await ticket(device))["code"]
            _open_at_counter(settings, code)
            return str(verdict["registration"]["id"])

        registration = with_device(url, enroll(settings.data_dir), first)

        async def visit(device: Device) -> tuple[dict[str, Any], str]:
            verdict = await decided(device, registration=registration)
            return verdict["registration"], await refused(device)

        shown, code = with_device(url, counter.enroll_for(settings, "counter"), visit)
    assert (shown["status"], shown["ticket"], shown["visit"]) == ("at_counter", False, True)
    assert code == "registration_unknown"


def _open_at_counter(settings: Settings, code: str) -> None:
    store, _ = open_verdicts_and_audit(settings.data_dir)
    CounterTickets(store.database, store.seal).open(code, ApiKeys(store.database).resolve("counter"), 600.0)
