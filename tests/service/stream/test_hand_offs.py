"""Hand-off of a page's session to a telephone: one link, one use, and nothing before both screens agree."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from page_devices import PageDevice, opened
from stream_server import StreamVerifier, capture_everything, stream_server

from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage import capture_tokens
from idproof.service.storage.capture_tokens import CaptureToken, CaptureTokens
from idproof.service.stream.messages import unbase64
from idproof.service.stream.simulator.device import DeviceProblem

SHOP = "https://shop.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, capture_origins=SHOP)


@pytest.fixture
def url(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(settings, StreamVerifier(), monkeypatch) as address:
        yield address


def issued(url: str) -> dict[str, Any]:
    return dict(httpx.post(f"{url}/v1/capture-tokens", json={"origin": SHOP, "reference": "order-17"}).json())


def state(url: str, token: dict[str, Any]) -> dict[str, Any]:
    return dict(httpx.get(f"{url}/v1/capture-tokens/{token['id']}").json())


async def link(page: PageDevice) -> tuple[str, dict[str, Any]]:
    """The telephone's token from a new offer, and the offer."""
    await page.send({"type": "hand_off"})
    offer = await page.receive("hand_off_offer")
    return "idpc_" + offer["link"].partition("#")[2], offer


async def told(page: PageDevice, state: str) -> dict[str, Any]:
    """The first message of this state; those before it are skipped."""
    while (message := await page.receive("hand_off_state"))["state"] != state:
        pass
    return message


async def capturing_phone(url: str, page: PageDevice) -> PageDevice:
    """A telephone that opened the link of a new offer, was confirmed, and has begun its session."""
    written, offer = await link(page)
    phone = await PageDevice.open(url, written, url)
    await told(page, "opened")
    await page.send({"type": "hand_off_confirm", "device": offer["device"]})
    await phone.receive("hand_off_confirmed")
    await phone.start()
    return phone


async def stop(phone: PageDevice, page: PageDevice) -> None:
    """The telephone's applicant stops, and the page learns of it."""
    await phone.send({"type": "cancel"})
    await phone.receive("cancelled")
    await phone.socket.close()
    await told(page, "ended")


def played(url: str, act: Callable[[PageDevice, dict[str, Any]], Awaitable[None]]) -> dict[str, Any]:
    """Lets a page act with a new token; returns what became of that."""
    token = issued(url)

    async def run() -> None:
        page = await PageDevice.open(url, token["token"], SHOP)
        try:
            await act(page, token)
        finally:
            await page.socket.close()

    asyncio.run(run())
    return state(url, token)


def test_a_telephone_captures_in_the_pages_place(url: str, settings: Settings) -> None:
    secrets: list[str] = []

    async def act(page: PageDevice, token: dict[str, Any]) -> None:
        written, offer = await link(page)
        secrets.append(written.split("_", 2)[2])
        assert offer["link"].startswith(f"{url}/capture#")
        assert len(offer["qr"]) == len(offer["qr"][0])
        await told(page, "waiting")
        phone = await PageDevice.open(url, written, url)
        shown = await told(page, "opened")
        assert phone.welcome is not None
        assert shown["comparison"] == phone.welcome["comparison"]
        assert phone.welcome["requested_by"] == SHOP
        assert page.welcome is not None
        assert "requested_by" not in page.welcome
        with pytest.raises(DeviceProblem, match="session_used"):
            await phone.start()  # before the applicant has compared the screens
        await page.send({"type": "hand_off_confirm", "device": offer["device"]})
        await phone.receive("hand_off_confirmed")
        assert (state(url, token)["state"], state(url, token)["handed_off"]) == ("handed_off", True)
        with pytest.raises(DeviceProblem, match="session_used"):
            await page.start()
        await phone.start()
        await told(page, "capturing")
        assert state(url, token)["state"] == "started"
        await capture_everything(phone)
        await phone.send({"type": "finish"})
        verdict = await phone.receive("verdict")
        assert (await told(page, "done"))["verification"] == verdict["id"]
        with pytest.raises(DeviceProblem, match="device_unauthenticated"):
            await PageDevice.open(url, written, url)
        await phone.socket.close()
        assert state(url, token)["verification"] == verdict["id"]
        stored = httpx.get(f"{url}/v1/verifications/{verdict['id']}").json()
        assert stored["reference"] == "order-17"

    after = played(url, act)
    assert (after["state"], after["handed_off"]) == ("done", True)
    audit = settings.audit_log.read_text("utf-8")
    events = [json.loads(line)["event"] for line in audit.splitlines()]
    assert [event for event in events if event.startswith("capture_")] == [
        "capture_token_issued",
        "capture_token_used",
        "capture_handed_off",
        "capture_token_used",
    ]
    written = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert after["verification"].encode() in written
    assert secrets[0].encode() not in written
    assert unbase64(secrets[0]) not in written


def test_a_telephone_is_told_at_each_connection_which_page_asked(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        written, offer = await link(page)
        phone = await PageDevice.open(url, written, url)
        await told(page, "opened")
        await page.send({"type": "hand_off_confirm", "device": offer["device"]})
        await phone.receive("hand_off_confirmed")
        await phone.socket.close()
        again = await opened(url, written, url, bound=phone.secret)
        assert again.welcome is not None
        assert again.welcome["requested_by"] == SHOP
        assert "comparison" not in again.welcome
        await again.socket.close()

    played(url, act)


def test_a_telephone_that_cannot_be_told_which_page_asked_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = CaptureTokens.find
    deleted: list[str] = []

    def without_deleted(self: CaptureTokens, token: str) -> CaptureToken | None:
        return None if token in deleted else find(self, token)

    monkeypatch.setattr(CaptureTokens, "find", without_deleted)

    async def act(page: PageDevice, token: dict[str, Any]) -> None:
        written, _ = await link(page)
        deleted.append(token["id"])
        with pytest.raises(DeviceProblem, match="device_unauthenticated"):
            await PageDevice.open(url, written, url)
        deleted.clear()
        phone = await PageDevice.open(url, written, url)  # the refusal bound nothing
        await phone.socket.close()

    played(url, act)


def test_a_link_works_once_and_two_telephones_at_once_are_one(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        written, _ = await link(page)
        both = [PageDevice.open(url, written, url) for _ in range(3)]
        found = await asyncio.gather(*both, return_exceptions=True)
        phones = [one for one in found if isinstance(one, PageDevice)]
        assert len(phones) == 1
        assert {one.code for one in found if isinstance(one, DeviceProblem)} == {"device_unauthenticated"}
        with pytest.raises(DeviceProblem, match="device_unauthenticated"):
            await PageDevice.open(url, written, url)
        await phones[0].socket.close()

    assert played(url, act)["state"] == "bound"


def test_a_stranger_who_opened_the_link_is_cut_off_and_the_page_captures(url: str) -> None:
    async def act(page: PageDevice, token: dict[str, Any]) -> None:
        written, _ = await link(page)
        stranger = await PageDevice.open(url, written, url)
        await told(page, "opened")
        await page.send({"type": "hand_off_cancel"})
        await told(page, "ended")
        with pytest.raises(DeviceProblem):
            await stranger.start()
        with pytest.raises(DeviceProblem, match=r"device_revoked|session_used"):
            await stranger.receive("hand_off_confirmed")
        await stranger.socket.close()
        await page.start()
        assert state(url, token)["state"] == "started"

    played(url, act)


def test_the_page_ends_the_telephones_session(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        phone = await capturing_phone(url, page)
        await page.send({"type": "hand_off_cancel"})
        await told(page, "ended")
        with pytest.raises(DeviceProblem, match="device_revoked"):
            await phone.receive("verdict")
        await phone.socket.close()
        with pytest.raises(DeviceProblem, match="session_used"):
            await page.start()  # the one session was used up

    assert played(url, act)["state"] == "ended"


def test_the_telephone_ends_its_session_and_the_page_learns_of_it(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        phone = await capturing_phone(url, page)
        await stop(phone, page)

    assert played(url, act)["state"] == "ended"


def test_a_link_that_nobody_opened_in_its_time_lapses(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        _, offer = await link(page)
        five_minutes_later = [now + timedelta(minutes=5) for now in (before, datetime.now(UTC))]
        assert five_minutes_later[0] <= datetime.fromisoformat(offer["expires_at"]) <= five_minutes_later[1]
        monkeypatch.setattr(capture_tokens, "HAND_OFF_S", 0.2)
        written, _ = await link(page)
        await told(page, "lapsed")
        with pytest.raises(DeviceProblem, match="device_unauthenticated"):
            await PageDevice.open(url, written, url)

    played(url, act)


def test_a_new_offer_ends_the_one_before_and_the_sixth_is_refused(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        links = [(await link(page))[0] for _ in range(5)]
        for old in links[:-1]:
            with pytest.raises(DeviceProblem, match="device_unauthenticated"):
                await PageDevice.open(url, old, url)
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await link(page)
        phone = await PageDevice.open(url, links[-1], url)
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await link(phone)  # a telephone hands nothing off
        await phone.socket.close()

    played(url, act)


def test_a_session_of_a_telephone_is_the_tokens_only_one(url: str) -> None:
    """Another hand-off that is taken back does not give the page a session of its own."""

    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        phone = await capturing_phone(url, page)
        await stop(phone, page)
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await link(page)
        await page.send({"type": "hand_off_cancel"})
        with pytest.raises(DeviceProblem, match="session_used"):
            await page.start()

    assert played(url, act)["state"] == "ended"


def test_a_page_follows_its_telephone_through_a_fault_of_the_database(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([StoreUnavailable("The database cannot be read.")])
    child = CaptureTokens.child

    def faulty(self: CaptureTokens, parent: str) -> CaptureToken | None:
        if (found := child(self, parent)) is not None and (fault := next(faults, None)) is not None:
            raise fault
        return found

    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        written, _ = await link(page)
        phone = await PageDevice.open(url, written, url)
        await told(page, "opened")
        await phone.socket.close()

    monkeypatch.setattr(CaptureTokens, "child", faulty)
    assert played(url, act)["state"] == "bound"
    assert next(faults, None) is None


def test_the_link_is_of_https_where_a_proxy_ends_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, capture_origins=SHOP, tls_by_proxy=True)

    async def run(url: str, token: str) -> str:
        page = await PageDevice.open(url, token, SHOP)
        _, offer = await link(page)
        await page.socket.close()
        return str(offer["link"])

    with stream_server(settings, StreamVerifier(), monkeypatch) as url:
        found = asyncio.run(run(url, issued(url)["token"]))
    assert found.startswith(f"{url.replace('http:', 'https:')}/capture#")


def test_a_page_confirms_its_own_telephone_only(url: str) -> None:
    async def act(page: PageDevice, _token: dict[str, Any]) -> None:
        _, offer = await link(page)
        for device in (offer["device"], "0" * 16):  # before it was opened, and one of nobody's
            await page.send({"type": "hand_off_confirm", "device": device})
            with pytest.raises(DeviceProblem, match="message_unexpected"):
                await page.receive("hand_off_confirmed")
        await page.start()
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await link(page)  # its own session has begun

    assert played(url, act)["state"] in ("started", "ended")
