"""Step-ups at a streaming device: opened by its client over HTTP, captured here, decided by the same rules."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from passkey_bench import CARD, passkey_settings
from step_up_party import TEXT, HolderVerifier, Party
from stream_server import capture_everything, enroll, stream_server, with_device

from idproof.pipeline import Decision
from idproof.pipeline.errors import CaptureUnreadable, PortraitUnavailable, RecordsUnavailable
from idproof.pipeline.fields.card_data import CardData
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.simulator.device import Device, DeviceProblem


async def taken(device: Device, step_up: str, **start: Any) -> dict[str, Any]:
    await device.start(step_up=step_up, **start)
    await capture_everything(device)
    await device.send({"type": "finish"})
    return await device.receive("step_up_decided", "retry")


def at_device(party: Party, step_up: str, **start: Any) -> dict[str, Any]:
    return dict(party.at_device(lambda device: taken(device, step_up, **start)))


async def refused(device: Device, *kinds: str) -> str:
    with pytest.raises(DeviceProblem) as caught:
        await device.receive(*kinds)
    return caught.value.code


@pytest.fixture
def verifier() -> HolderVerifier:
    return HolderVerifier()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    told = {"records_url": "http://127.0.0.1:9/records"}
    return passkey_settings(Settings(data_dir=tmp_path, anonymous=False), **told)


@pytest.fixture
def party(settings: Settings, verifier: HolderVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Party]:
    with stream_server(settings, verifier, monkeypatch) as url:
        yield Party(url, settings, verifier)


def test_a_step_up_from_login_to_transaction(party: Party, verifier: HolderVerifier) -> None:
    opened = party.open()
    seen: dict[str, Any] = {}

    async def act(device: Device) -> dict[str, Any]:
        seen.update(await device.start(step_up=opened["id"]))
        await capture_everything(device)
        await device.send({"type": "finish"})
        assert (await device.receive("verifying"))["id"] == opened["id"]
        return await device.receive("step_up_decided")

    said = party.at_device(act)
    assert (seen["id"], seen["stages"], seen["capture_plan"]) == (opened["id"], ["selfie", "liveness", "finish"], None)
    assert seen["step_up"] == {"text": TEXT}
    assert said == {"type": "step_up_decided", "id": opened["id"], "decision": "accept", "reasons": [], "texts": {}} | {
        "session": opened["id"]
    }
    found = party.state(opened["id"])
    assert found["state"] == "accepted"
    decided = found["decision"]
    assert (decided["decision"], decided["capture_level"]) == ("accept", "device")
    assert verifier.cards == [CardData(**CARD)]
    assert len(verifier.held) == 1 + len(verifier.answers[-1].timings)  # type: ignore[union-attr]
    assert all(verifier.held)
    used = party.ask("POST", "/v1/step-up-tokens", {"token": decided["token"], "text": TEXT})
    assert (used.status_code, used.json()["jti"]) == (200, opened["id"])
    assert party.state(opened["id"]) | {"expires_at": ""} == {
        "id": opened["id"],
        "state": "spent",
        "expires_at": "",
        "decision": None,
    }


def test_the_device_is_told_neither_token_nor_record_nor_which_check_failed(
    party: Party, verifier: HolderVerifier
) -> None:
    verifier.decision = Decision.REJECT
    opened = party.open()
    said = at_device(party, opened["id"])
    assert said.keys() == {"type", "id", "decision", "reasons", "texts", "session"}
    assert (said["decision"], said["reasons"]) == ("reject", ["holder_doubtful"])
    found = party.state(opened["id"])
    assert (found["state"], found["decision"]["token"]) == ("refused", None)
    assert found["decision"]["reasons"] == ["not_live"]


def test_only_a_device_of_the_client_that_opened_it_takes_it(party: Party) -> None:
    opened, other = party.open(), party.enroll("somebody-else")

    async def act(device: Device) -> str:
        await device.send({"type": "start", "consent": True, "step_up": opened["id"]})
        code = await refused(device, "session")
        await device.start()  # the connection goes on
        return code

    assert party.at_device(act, other) == "step_up_lapsed"
    assert at_device(party, opened["id"])["decision"] == "accept"


def test_a_locked_device_takes_none(party: Party) -> None:
    device_id, ledger, opened = party.device_key.split("_")[1], party.bench.ledger, party.open()
    session = ledger.sessions.open(party.client, device=device_id, enrolled=True)
    with party.bench.store.database.write() as connection:
        for _ in range(5):
            ledger.sessions.failed(connection, session)

    async def act(device: Device) -> str:
        await device.send({"type": "start", "consent": True, "step_up": opened["id"]})
        return await refused(device, "session")

    assert party.at_device(act) == "device_locked"
    assert party.state(opened["id"])["state"] == "open"


def test_without_consent_and_after_its_decision_none_begins(party: Party) -> None:
    opened = party.open()

    async def act(device: Device) -> list[str]:
        await device.send({"type": "start", "consent": False, "step_up": opened["id"]})
        codes = [await refused(device, "session")]
        await taken(device, opened["id"])
        await device.send({"type": "start", "consent": True, "step_up": opened["id"]})
        return [*codes, await refused(device, "session")]

    assert party.at_device(act) == ["consent_missing", "step_up_lapsed"]


def test_a_step_up_makes_nobody_an_accepted_applicant(party: Party) -> None:
    """Neither a passkey nor a credential follows: no card was seen."""
    opened = party.open()

    async def act(device: Device) -> list[str]:
        await taken(device, opened["id"])
        codes = []
        for kind in ("passkey", "credential"):
            await device.send({"type": kind})
            codes.append(await refused(device, "passkey_options", "credential_offer"))
        return codes

    assert party.at_device(act) == ["message_unexpected"] * 2


def test_a_challenge_that_was_replaced_meanwhile_decides_nothing(party: Party, verifier: HolderVerifier) -> None:
    opened = party.open()

    async def act(device: Device) -> tuple[str, dict[str, Any]]:
        await device.start(step_up=opened["id"])
        await capture_everything(device)
        await anyio.to_thread.run_sync(party.ask, "POST", f"/v1/step-ups/{opened['id']}/challenges")
        await device.send({"type": "finish"})
        code = await refused(device, "step_up_decided")
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        return code, await taken(device, opened["id"])

    code, said = party.at_device(act)
    assert (code, said["decision"]) == ("challenge_missing", "accept")
    assert len(verifier.cards) == 1


def test_challenges_are_counted_with_those_over_http(party: Party) -> None:
    opened = party.open()

    async def act(device: Device) -> tuple[list[int], str]:
        await device.start(step_up=opened["id"])
        await capture_everything(device, until="liveness")
        left = []
        for _ in range(4):
            await device.send({"type": "ready"})
            left.append((await device.receive("challenge"))["left"])
        await device.send({"type": "ready"})
        return left, await refused(device, "challenge")

    assert party.at_device(act) == ([3, 2, 1, 0], "challenges_used")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecordsUnavailable("The records do not answer."), "records_unavailable"),
        (PortraitUnavailable("The records hold no portrait."), "portrait_unavailable"),
    ],
)
def test_where_nothing_is_decided_the_code_says_why_and_it_can_be_taken_again(
    party: Party, verifier: HolderVerifier, error: Exception, code: str
) -> None:
    opened = party.open()

    def fail() -> None:
        raise error

    async def act(device: Device) -> tuple[str, dict[str, Any]]:
        verifier.act = fail
        await device.start(step_up=opened["id"])
        await capture_everything(device)
        await device.send({"type": "finish"})
        found = await refused(device, "step_up_decided")
        verifier.act = lambda: None
        await capture_everything_again(device)
        await device.send({"type": "finish"})
        return found, await device.receive("step_up_decided")

    found, said = party.at_device(act)
    assert (found, said["decision"]) == (code, "accept")


async def capture_everything_again(device: Device) -> None:
    device.session["stage"] = device.session["stages"][0]
    await capture_everything(device)


def test_a_capture_that_cannot_be_used_is_taken_again_at_most_as_often_as_over_http(
    party: Party, verifier: HolderVerifier
) -> None:
    opened = party.open()

    def fail() -> None:
        raise CaptureUnreadable("Not a picture.", capture="selfie")

    async def act(device: Device) -> list[Any]:
        verifier.act = fail
        await device.start(step_up=opened["id"])
        left = []
        for _ in range(3):
            await capture_everything_again(device)
            await device.send({"type": "finish"})
            said = await device.receive("retry")
            left.append((said["capture"], said["stage"], said["attempts_left"]))
        return left

    assert party.at_device(act) == [("selfie", "selfie", left) for left in (2, 1, 0)]
    assert party.state(opened["id"])["state"] == "refused"


def test_a_holder_who_stops_is_not_decided_about_and_the_attempt_counts(party: Party, verifier: HolderVerifier) -> None:
    opened = party.open()
    verifier.act = lambda: time.sleep(1)

    async def act(device: Device) -> None:
        for _ in range(3):
            await device.start(step_up=opened["id"])
            await capture_everything(device)
            await device.send({"type": "finish"})
            await device.receive("verifying")
            await device.send({"type": "cancel"})
            await device.receive("cancelled")
            while party.state(opened["id"])["state"] == "checking":
                await anyio.sleep(0.1)

    party.at_device(act)
    assert party.state(opened["id"])["state"] == "refused"


def test_a_reduced_challenge_refers_unless_staff_granted_it(party: Party) -> None:
    options = {"options": {"cannot_turn": True}}
    without = at_device(party, party.open()["id"], **options)
    assert without["decision"] == "refer"
    permit = party.grant("cannot_turn")
    granted = at_device(party, party.open()["id"], permit=permit, **options)
    assert granted["decision"] == "accept"
    opened = party.open()

    async def act(device: Device) -> list[str]:
        await device.send({"type": "start", "consent": True, "step_up": opened["id"], "permit": permit, **options})
        codes = [await refused(device, "session")]  # it works once
        await device.start(step_up=opened["id"])
        await capture_everything(device, until="liveness")
        both = {"cannot_turn": True, "photosensitive": True}
        message = {"type": "options", "options": both, "permit": party.grant("cannot_turn")}
        await device.send(message)
        return [*codes, await refused(device, "options_taken")]

    assert party.at_device(act) == ["permit_invalid", "permit_exceeded"]
    used = [line for line in party.bench.audit_events() if line["event"] == "permit_used"]
    assert [line["session"][:3] for line in used] == ["su_"]


def test_options_beyond_the_permit_refer(party: Party) -> None:
    """A permit that was used up covers what it names, also after the holder ticks another box."""
    permit, opened = party.grant("cannot_turn"), party.open()

    async def act(device: Device) -> dict[str, Any]:
        await device.start(step_up=opened["id"], options={"cannot_turn": True}, permit=permit)
        await capture_everything(device, until="liveness")
        await device.send({"type": "options", "options": {"cannot_turn": True, "photosensitive": True}})
        await device.receive("options_taken")
        device.session["stage"] = "liveness"
        await capture_everything(device)
        await device.send({"type": "finish"})
        return await device.receive("step_up_decided")

    assert party.at_device(act)["decision"] == "refer"


def test_what_the_relying_party_said_of_the_holder_is_asked_for_too(party: Party) -> None:
    opened = party.open(options={"photosensitive": True})

    async def act(device: Device) -> dict[str, Any]:
        await device.start(step_up=opened["id"], options={"more_time": True})
        await capture_everything(device, until="liveness")
        await device.send({"type": "ready"})
        return dict((await device.receive("challenge"))["challenge"])

    challenge = party.at_device(act)
    assert challenge["lights"] == []
    assert challenge["options"]["more_time"] is True


def test_after_a_cut_it_is_resumed(party: Party) -> None:
    opened = party.open()

    async def first(device: Device) -> dict[str, Any]:
        session = await device.start(step_up=opened["id"])
        await capture_everything(device, until="liveness")
        device.socket.transport.abort()
        return session

    async def second(device: Device) -> dict[str, Any]:
        session = await device.resume(seen)
        assert (session["stage"], session["step_up"]) == ("liveness", {"text": TEXT})
        await capture_everything(device)
        await device.send({"type": "finish"})
        return await device.receive("step_up_decided")

    seen = party.at_device(first)
    time.sleep(1)
    assert party.at_device(second)["decision"] == "accept"


def test_the_devices_counts_of_registrations_stay_as_they_are(party: Party, settings: Settings) -> None:
    at_device(party, party.open()["id"])
    kiosks = Kiosks(party.bench.store.database, party.bench.store.seal)
    counts = kiosks.counts().get(party.device_key.split("_")[1], {})
    assert not {"started", "finished", "accept"} & counts.keys()


def test_without_passkeys_no_step_up_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    with stream_server(settings, HolderVerifier(), monkeypatch) as url:

        async def act(device: Device) -> str:
            await device.send({"type": "start", "consent": True, "step_up": "su_" + "0" * 26})
            return await refused(device, "session")

        assert with_device(url, enroll(tmp_path), act) == "passkeys_off"
