"""Reduced challenges on a stream, asked for by the page and granted by staff: a real server without networks."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from fakes import a_verdict
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.pipeline import VaultSession, Verdict
from idproof.pipeline.decide import decide
from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.challenge import GRANTABLE, REDUCING, REDUCING_TOGETHER
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import CheckResult, Outcome, Status
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.registrations import permits
from idproof.service.storage.permits import Permits, device_holder
from idproof.service.stream.simulator.device import Device, DeviceProblem

BOTH_HALVES = {
    "steps": ("liveness_actions", "liveness_depth"),
    "lights": ("liveness_light", "liveness_light_strength", "liveness_light_distance"),
}


class LenientVerifier(StreamVerifier):
    """Lets every check pass that could be measured for the challenge, and decides by the real rules."""

    def verify_session(
        self,
        session: VaultSession,
        answer: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        assert answer is not None
        asked = requirements.check(answer.challenge, reduction_permitted=answer.reduction_permitted)
        names = ["liveness", "liveness_fresh", "liveness_selfie", "liveness_selfie_scene", "liveness_portrait_copy"]
        names += BOTH_HALVES["steps"] if answer.challenge.head_steps else ()
        names += BOTH_HALVES["lights"] if answer.challenge.lights else ()
        acted = len(answer.challenge.head_steps) < len(answer.challenge.steps)
        names += ["liveness_eyes_mouth"] if acted else []
        checks = [asked, *(CheckResult(name, Status.ASSESSED, Outcome.PASS) for name in names)]
        decision, reasons = decide(checks, requirements.required(answer))
        session.wipe()
        return replace(a_verdict(), decision=decision, reasons=reasons, checks=tuple(checks))


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path), LenientVerifier(), monkeypatch) as url:
        yield url


@pytest.fixture
def key(address: str, tmp_path: Path) -> str:
    return enroll(tmp_path)


def grant(folder: Path, key: str, *options: str) -> str:
    store, audit = open_verdicts_and_audit(folder)
    holder = device_holder(key.split("_")[1])
    return permits.grant(Permits(store.database, store.seal), audit, holder, options, by="test", lifetime_s=60)[0]


async def decided(device: Device, **start: Any) -> str:
    await device.start(**start)
    await capture_everything(device)
    await device.send({"type": "finish"})
    decision: str = (await device.receive("verdict"))["decision"]
    return decision


def ticked(*names: str) -> dict[str, bool]:
    return dict.fromkeys(names, True)


def test_options_without_a_permit_never_accept(address: str, key: str) -> None:
    """Every option ticked at once, and each combination of those that reduce the challenge."""
    combined = [names for count in range(1, 5) for names in combinations(REDUCING, count)]
    combined.append(REDUCING_TOGETHER)
    everything = (*GRANTABLE, "more_time")

    async def act(device: Device) -> dict[tuple[str, ...], str]:
        tried = ((), *combined, everything)
        return {names: await decided(device, options=ticked(*names)) for names in tried}

    decisions = with_device(address, key, act)
    assert decisions.pop(()) == "accept"
    assert set(decisions.values()) == {"refer"}


@pytest.mark.parametrize("later", [False, True], ids=["with start", "with options"])
def test_a_permit_lets_a_reduced_challenge_count_once(address: str, key: str, tmp_path: Path, later: bool) -> None:
    code = grant(tmp_path, key, "cannot_turn")

    async def act(device: Device) -> list[str]:
        options = {"options": ticked("cannot_turn")}
        if not later:
            first = await decided(device, **options, permit=code)
        else:
            await device.start()
            await capture_everything(device, "liveness")
            await device.send({"type": "options", "permit": code, **options})
            await device.receive("options_taken")
            device.session["stage"] = "liveness"
            await capture_everything(device)
            await device.send({"type": "finish"})
            first = (await device.receive("verdict"))["decision"]
        with pytest.raises(DeviceProblem, match="permit_invalid"):
            await device.start(**options, permit=code)
        return [first, await decided(device, **options)]

    assert with_device(address, key, act) == ["accept", "refer"]


def test_options_beyond_the_permit_and_permits_of_other_devices_are_refused(
    address: str, key: str, tmp_path: Path
) -> None:
    code, elsewhere = grant(tmp_path, key, "cannot_turn"), grant(tmp_path, enroll(tmp_path, "Other"), "cannot_turn")

    async def act(device: Device) -> str:
        more = ticked("cannot_turn", "photosensitive")
        with pytest.raises(DeviceProblem, match="permit_exceeded"):
            await device.start(options=more, permit=code)
        with pytest.raises(DeviceProblem, match="permit_invalid"):
            await device.start(options=ticked("cannot_turn"), permit=elsewhere)
        await device.start()
        await device.send({"type": "options", "options": ticked("cannot_turn"), "permit": code})
        with pytest.raises(DeviceProblem, match="message_unexpected"):  # too early, so the permit is not used up
            await device.receive("options_taken")
        await capture_everything(device, "liveness")
        await device.send({"type": "options", "options": more, "permit": code})
        with pytest.raises(DeviceProblem, match="permit_exceeded"):
            await device.receive("options_taken")
        await device.send({"type": "cancel"})
        await device.receive("cancelled")
        return await decided(device, options=ticked("cannot_turn"), permit=code)

    assert with_device(address, key, act) == "accept"
