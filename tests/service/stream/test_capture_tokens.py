"""Capture tokens before a real stream server: who may use one, how often, and what it gives."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from page_devices import PageDevice, opened
from stream_server import StreamVerifier, capture_everything, enroll, stream_server

from idproof.service.auth import Scope
from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage.capture_tokens import CaptureToken, CaptureTokens
from idproof.service.stream.messages import unbase64
from idproof.service.stream.simulator.device import Device, DeviceProblem

SHOP, OTHER = "https://shop.example", "https://other.example"


class NotingVerifier(StreamVerifier):
    """Notes the level of the captures that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[str] = []

    def verify_session(self, session: Any, answer: Any = None, origin: Any = None) -> Any:
        self.levels.append(origin.level)
        return super().verify_session(session, answer, origin)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, capture_origins=f"{SHOP},{OTHER}", capture_tokens=3)


@pytest.fixture
def verifier() -> NotingVerifier:
    return NotingVerifier()


@pytest.fixture
def url(settings: Settings, verifier: NotingVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(settings, verifier, monkeypatch) as address:
        yield address


def issue(url: str, origin: str = SHOP, **more: str) -> dict[str, Any]:
    answer = httpx.post(f"{url}/v1/capture-tokens", json={"origin": origin, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def state(url: str, token: dict[str, Any]) -> dict[str, Any]:
    return dict(httpx.get(f"{url}/v1/capture-tokens/{token['id']}").json())


def refusal(url: str, token: str, origin: str | None = SHOP, bound: bytes | None = None) -> str:
    async def attempt() -> str:
        try:
            page = await PageDevice.open(url, token, origin, bound)
        except DeviceProblem as problem:
            return problem.code
        await page.socket.close()
        return "connected"

    return asyncio.run(attempt())


def test_a_page_captures_to_a_verdict_at_the_level_of_uploads(
    url: str, verifier: NotingVerifier, settings: Settings
) -> None:
    token = issue(url, reference="order-17")
    assert state(url, token)["state"] == "issued"

    async def run() -> dict[str, Any]:
        page = await PageDevice.open(url, token["token"], SHOP)
        assert page.welcome is not None
        assert page.welcome["privacy"]["pictures"]["at_most_seconds_streaming"] > 0
        assert state(url, token)["state"] == "bound"
        await page.start()
        assert state(url, token)["state"] == "started"
        await capture_everything(page)
        await page.send({"type": "finish"})
        verdict = await page.receive("verdict")
        with pytest.raises(DeviceProblem, match="session_used"):
            await page.start()
        await page.socket.close()
        return verdict

    verdict = asyncio.run(run())
    assert verifier.levels == ["upload"]
    found = state(url, token)
    assert (found["state"], found["verification"]) == ("done", verdict["id"])
    stored = httpx.get(f"{url}/v1/verifications/{verdict['id']}").json()
    assert stored["reference"] == "order-17"
    assert refusal(url, token["token"]) == "device_unauthenticated"
    audit = settings.audit_log.read_text("utf-8")
    lines = [json.loads(line) for line in audit.splitlines()]
    assert [line["event"] for line in lines if "capture_token" in line["event"]] == [
        "capture_token_issued",
        "capture_token_used",
    ]
    secret = token["token"].split("_", 2)[2]
    written = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert token["id"].encode() in written
    assert secret.encode() not in written
    assert unbase64(secret) not in written


def test_no_statement_of_a_page_raises_the_level_of_its_captures(url: str, verifier: NotingVerifier) -> None:
    token = issue(url)["token"]

    async def run() -> None:
        page = await PageDevice.open(url, token, SHOP)
        await page.start()
        await capture_everything(page)
        for attestation in ({"id": "AA", "type": "public-key"}, {}):
            await page.send({"type": "finish", "attestation": attestation})
            with pytest.raises(DeviceProblem, match="attestation_invalid"):
                await page.receive("verdict")
        await page.send({"type": "finish"})
        await page.receive("verdict")
        await page.socket.close()

    asyncio.run(run())
    assert verifier.levels == ["upload"]


def test_a_token_is_bound_to_the_page_that_used_it_first(url: str) -> None:
    token = issue(url)["token"]

    async def run() -> None:
        page = await PageDevice.open(url, token, SHOP)
        for thief in (None, bytes(32)):  # with the token alone, and with a guessed key beside it
            with pytest.raises(DeviceProblem, match="device_unauthenticated"):
                await PageDevice.open(url, token, SHOP, thief)
        with pytest.raises(DeviceProblem, match="device_connected"):
            await PageDevice.open(url, token, SHOP, page.secret)
        session = await page.start()
        page.socket.transport.abort()  # the connection is cut
        await page.socket.wait_closed()
        again = await opened(url, token, SHOP, bound=page.secret)
        assert again.secret == page.secret
        with pytest.raises(DeviceProblem, match="session_used"):
            await again.start()
        assert (await again.resume(session))["resumed"]
        await again.socket.close()

    asyncio.run(run())


def test_of_two_that_use_a_token_at_once_one_connects(url: str) -> None:
    token = issue(url)["token"]

    async def run() -> list[Any]:
        both = [PageDevice.open(url, token, SHOP) for _ in range(4)]
        found = await asyncio.gather(*both, return_exceptions=True)
        for one in found:
            if isinstance(one, PageDevice):
                await one.socket.close()
        return [getattr(one, "code", "connected") for one in found]

    assert sorted(asyncio.run(run())) == ["connected", *["device_unauthenticated"] * 3]


@pytest.mark.parametrize("origin", [OTHER, None])
def test_a_token_serves_pages_of_its_own_origin_only(url: str, origin: str | None) -> None:
    token = issue(url)["token"]
    assert refusal(url, token, origin) == "device_unauthenticated"
    assert refusal(url, token) == "connected"


def test_a_page_of_another_origin_can_do_nothing_without_a_token(url: str, settings: Settings) -> None:
    device_key = enroll(settings.data_dir)

    async def with_device_key(origin: str) -> str:
        from websockets.asyncio import client
        from websockets.exceptions import InvalidStatus

        from idproof.service.stream.simulator import device as simulated

        def opening(*arguments: Any, **named: Any) -> Any:
            return client.connect(*arguments, origin=origin, **named)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(simulated, "open_websocket", opening)
            try:
                connected = await Device.connect(url, device_key)
            except DeviceProblem as problem:
                return problem.code
            except InvalidStatus as refused:
                return str(refused.response.status_code)
            await connected.socket.close()
            return "connected"

    assert asyncio.run(with_device_key(SHOP)) == "device_unauthenticated"
    assert asyncio.run(with_device_key("https://stranger.example")) == "403"
    assert asyncio.run(with_device_key(url)) == "connected"


def test_a_page_says_nothing_of_what_its_session_is_for(url: str) -> None:
    token = issue(url)["token"]

    async def run() -> None:
        page = await PageDevice.open(url, token, SHOP)
        for more in ({"registration": "reg_" + "0" * 26}, {"reference": "mine"}, {"step_up": "su_" + "0" * 26}):
            with pytest.raises(DeviceProblem, match="message_unexpected"):
                await page.start(**more)
        assert (await page.start())["id"].startswith("cs_")
        await page.socket.close()

    asyncio.run(run())


def test_a_token_gives_nothing_but_captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passkeys, credentials, tickets and guardians have scopes of their own, which its client's key may lack.

    Staff would not see a call from a page.
    """
    settings = Settings(data_dir=tmp_path, capture_origins=SHOP, device_tickets=True)
    proof = {"verification": "ver_" + "0" * 26, "nonce": "A" * 43, "consent_sha256": "0" * 64}

    async def run(url: str) -> dict[str, Any]:
        page = await PageDevice.open(url, issue(url)["token"], SHOP)
        await page.start()
        for asked in ({"type": "guardian_consent"}, {"type": "guardian", **proof}, {"type": "staff"}):
            await page.send(asked)
            with pytest.raises(DeviceProblem, match="message_unexpected"):
                await page.receive("none")
        await capture_everything(page)
        await page.send({"type": "finish"})
        verdict = await page.receive("verdict")
        for kind in ("passkey", "credential", "credential_code", "counter_ticket"):
            await page.send({"type": kind})
            with pytest.raises(DeviceProblem, match="message_unexpected"):
                await page.receive("none")
        await page.socket.close()
        return verdict

    with stream_server(settings, StreamVerifier(), monkeypatch) as url:
        verdict = asyncio.run(run(url))
    assert verdict["registration"]["ticket"] is False


def test_a_token_lapses_and_can_be_revoked(
    tmp_path: Path, verifier: NotingVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, capture_origins=SHOP, capture_token_s=0.2)
    with stream_server(settings, verifier, monkeypatch) as url:
        token = issue(url)

        async def wait() -> None:
            await asyncio.sleep(0.3)

        asyncio.run(wait())
        assert refusal(url, token["token"]) == "device_unauthenticated"
        assert state(url, token)["state"] == "expired"
        second = issue(url)
        assert httpx.delete(f"{url}/v1/capture-tokens/{second['id']}").status_code == 204
        assert httpx.delete(f"{url}/v1/capture-tokens/{second['id']}").status_code == 404
        assert refusal(url, second["token"]) == "device_unauthenticated"


def test_revoking_a_token_cuts_its_page_off(url: str) -> None:
    token = issue(url)

    async def run() -> str:
        page = await PageDevice.open(url, token["token"], SHOP)
        await page.start()
        assert httpx.delete(f"{url}/v1/capture-tokens/{token['id']}").status_code == 204
        with pytest.raises(DeviceProblem) as cut:
            await page.receive("verdict")
        await page.socket.close()
        return cut.value.code

    assert asyncio.run(run()) == "device_revoked"


def test_sessions_of_pages_count_for_the_client_that_made_their_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page with a new token each time is shown no more plans than one client may see."""
    settings = Settings(data_dir=tmp_path, capture_origins=SHOP, client_unanswered_challenges=2)

    async def start_and_cancel(url: str) -> str:
        page = await PageDevice.open(url, issue(url)["token"], SHOP)
        await page.send({"type": "start", "consent": True})
        answer = await page.next()
        if answer["type"] == "session":
            await page.send({"type": "cancel"})
            await page.receive("cancelled")
        await page.socket.close()
        return str(answer.get("code", answer["type"]))

    with stream_server(settings, StreamVerifier(), monkeypatch) as url:
        codes = [asyncio.run(start_and_cancel(url)) for _ in range(3)]
    assert codes == ["session", "session", "too_many_sessions"]


def test_a_token_for_a_registration_takes_its_next_attempt(url: str) -> None:
    registration = httpx.post(f"{url}/v1/registrations").json()["id"]
    token = issue(url, registration=registration)

    async def run() -> dict[str, Any]:
        page = await PageDevice.open(url, token["token"], SHOP)
        await page.start()
        await capture_everything(page)
        await page.send({"type": "finish"})
        verdict = await page.receive("verdict")
        await page.socket.close()
        return verdict

    assert asyncio.run(run())["registration"]["id"] == registration
    assert httpx.get(f"{url}/v1/registrations/{registration}").json()["attempts"]


def test_tokens_of_a_client_are_its_own_and_bounded(url: str, settings: Settings) -> None:
    one, other = (bearer(key(settings, Scope.VERIFY_WRITE)) for _ in range(2))
    reader = bearer(key(settings, Scope.VERDICT_READ))
    made = [httpx.post(f"{url}/v1/capture-tokens", json={"origin": SHOP}, headers=one) for _ in range(4)]
    assert [answer.status_code for answer in made] == [201, 201, 201, 429]
    assert made[3].json()["code"] == "too_many_sessions"
    assert 0 < int(made[3].headers["retry-after"]) <= 601
    address = f"{url}/v1/capture-tokens/{made[0].json()['id']}"
    assert httpx.get(address, headers=other).status_code == 404
    assert httpx.delete(address, headers=other).status_code == 404
    assert httpx.post(f"{url}/v1/capture-tokens", json={"origin": SHOP}, headers=reader).status_code == 403
    assert httpx.post(f"{url}/v1/capture-tokens", json={"origin": SHOP}, headers=other).status_code == 201
    wrong = httpx.post(f"{url}/v1/capture-tokens", json={"origin": "https://stranger.example"}, headers=other)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "origin_unknown")
    foreign = {"origin": SHOP, "registration": "reg_" + "0" * 26}
    assert httpx.post(f"{url}/v1/capture-tokens", json=foreign, headers=other).json()["code"] == "registration_unknown"


def test_guesses_of_a_secret_are_bounded_and_look_nothing_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = issue(url)["token"]
    name = token.split("_")[1]
    guessed = f"idpc_{name}_{'A' * 43}"
    looked_up: list[str] = []
    find = CaptureTokens.find

    def noting(self: CaptureTokens, token: str) -> CaptureToken | None:
        looked_up.append(token)
        return find(self, token)

    monkeypatch.setattr(CaptureTokens, "find", noting)
    codes = [refusal(url, guessed) for _ in range(70)]
    assert not looked_up
    assert codes[0] == "device_unauthenticated"
    assert codes[-1] == "rate_limited"
    assert refusal(url, token) == "connected"


def test_a_session_that_could_not_be_noted_leaves_the_token_unused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([StoreUnavailable("The database cannot be changed.")])
    note = CaptureTokens.note_session

    def faulty(self: CaptureTokens, token: str, session: str) -> None:
        if (fault := next(faults, None)) is not None:
            raise fault
        note(self, token, session)

    monkeypatch.setattr(CaptureTokens, "note_session", faulty)
    token = issue(url)

    async def run() -> None:
        page = await opened(url, token["token"], SHOP)
        with pytest.raises(DeviceProblem, match="store_unavailable"):
            await page.start()
        assert state(url, token)["state"] == "bound"
        await page.start()
        assert state(url, token)["state"] == "started"
        await page.socket.close()

    asyncio.run(run())
