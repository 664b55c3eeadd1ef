"""Replay of specimens to a server, as devices send them: whole registrations, or a load of frames for some seconds."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.plan import CapturePlan, CardPose, draw, possible_poses
from idproof.pipeline.card.plan.types import PITCHES_DEG, SHARES
from idproof.pipeline.errors import InvalidSpecimen
from idproof.pipeline.types import CARD_ROLES, Role
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.messages import unbase64
from idproof.service.stream.simulator.device import Camera, Device, DeviceProblem, register
from idproof.service.stream.simulator.player import APPROACH, SetCamera, small_of, swaying
from idproof.service.stream.simulator.posed_cards import WarpedCard, still_of
from idproof.service.stream.states import FINISH


@dataclass
class ReplayResult:
    """Result of a replay.

    Attributes:
        decisions: number of registrations per decision, and of refusals per code.
        waited_ms: times from sending a frame to its guidance, by the device's clock.
        sent, dropped: numbers of frames.
        seconds: duration of a load; else 0.
        devices: results of the single devices of a load.
    """

    decisions: Counter[str] = field(default_factory=Counter)
    waited_ms: list[float] = field(default_factory=list)
    sent: int = 0
    dropped: int = 0
    seconds: float = 0.0
    devices: list["ReplayResult"] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `idproof kiosk replay --json` prints."""
        waited = [round(value, 2) for value in self.waited_ms]
        printed = {"decisions": dict(self.decisions), "sent": self.sent, "dropped": self.dropped, "waited_ms": waited}
        if self.devices:
            printed |= {"seconds": round(self.seconds, 2), "devices": [one.to_json() for one in self.devices]}
        return printed


async def replay_registrations(
    url: str,
    key: str,
    cameras: Sequence[Camera],
    on_end: Callable[[str, dict[str, Any]], None],
    registration: str | None = None,
) -> ReplayResult:
    """Replay every specimen on one device, one after the other.

    Args:
        url: of the server.
        key: of the device.
        cameras: one per specimen.
        on_end: called with the session's id, or `-` if none was started, and its last message: `verdict`, `retry` or
            `error`.
        registration: id of an open registration of the device's client, whose attempts these are.
    """
    result, device = ReplayResult(), await Device.connect(url, key)
    named = {} if registration is None else {"registration": registration}
    try:
        for camera in cameras:
            session = {"id": "-"}
            try:
                session = await device.start(**named)
                last = await register(device, camera)
                result.decisions[last.get("decision", last["type"])] += 1
                on_end(session["id"], last)
                if last["type"] == "retry" and last["attempts_left"]:
                    await device.send({"type": "cancel"})
                    await device.receive("cancelled")
            except DeviceProblem as problem:
                result.decisions[problem.code] += 1
                on_end(session["id"], {"type": "error", "code": problem.code})
                with suppress(DeviceProblem):
                    device = await Device.connect(url, key)
    finally:
        await device.socket.close()
    result.waited_ms, result.dropped = device.waited_ms, device.dropped
    return result


async def replay_load(
    url: str, keys: Sequence[str], cameras: Sequence[SetCamera], *, rate: float, seconds: float
) -> ReplayResult:
    """Replay on one device per key at once, through all stages but the verification, to measure the guidance.

    A session that reaches its end is cancelled and another one begins.

    Args:
        url: of the server.
        keys: of the devices.
        cameras: used in turn.
        rate: frames per second of each device.
        seconds: duration.
    """
    recordings = [await asyncio.to_thread(_Recording.render, camera) for camera in cameras[: len(keys)]]
    total, ends = ReplayResult(seconds=seconds), time.monotonic() + seconds
    runs = [
        _stream(url, key, recordings[place % len(recordings)], rate, ends, place / len(keys) / rate)
        for place, key in enumerate(keys)
    ]
    for result in await asyncio.gather(*runs):
        total.waited_ms += result.waited_ms
        total.sent += result.sent
        total.dropped += result.dropped
        total.decisions += result.decisions
        total.devices.append(result)
    return total


_RECORDED_CHALLENGE = {
    "nonce": "00" * 32,
    "issued_at": "2026-01-01T00:00:00+00:00",
    "options": {},
}
"""The challenge that clips are rendered for."""
_FAR_SHARE = 0.42  # of a card on the way; chosen by hand
_TURNS_DEG = np.linspace(-28.0, 28.0, 21)  # of the previews on the way: 28 degrees per second. Chosen by hand
_LOOPED = 4  # previews in place, shown over and over; chosen by hand


@dataclass(frozen=True)
class _Shown:
    """All pictures of one stage: previews on the way, previews in place, and the still."""

    approach: Sequence[bytes]
    in_place: Sequence[bytes]
    still: bytes

    def preview(self, count: int) -> bytes:
        """Returns the previews on the way once each, then those in place over and over."""
        if count < len(self.approach):
            return self.approach[count]
        return self.in_place[(count - len(self.approach)) % len(self.in_place)]


@dataclass(frozen=True)
class _Recording:
    """All pictures that a device sends, made beforehand, so that a load does not measure rendering and coding.

    Attributes:
        card: the stage of a card's capture and its pose to its pictures: the flat capture, warped. Guidance takes it.
        turned: the pose of a card on the way from one stage to the next to its preview, in the order of their turns.
        selfie: the pictures of that stage.
        clip: frames that answer the challenge.
    """

    card: Mapping[tuple[str, CardPose], _Shown]
    turned: Mapping[CardPose, bytes]
    selfie: _Shown
    clip: Sequence[tuple[float, int, bytes]]

    @classmethod
    def render(cls, camera: SetCamera) -> Self:
        """Raises `InvalidSpecimen` if the set does not say where its card is."""
        if camera.corners is None:
            raise InvalidSpecimen("The set does not say where its card is.")
        warped, rng = WarpedCard(camera.stills[Role.CARD_FRONT], camera.corners), np.random.default_rng(camera.seed)
        far = small_of(warped.picture(CardPose(0.0, 0.0, _FAR_SHARE)))
        approach = [swaying(far, 1.0, rng) for _ in range(APPROACH)]
        card = {
            (role.value, pose): _shown(approach, warped.picture(pose), rng)
            for role in CARD_ROLES
            for pose in possible_poses(role)
        }
        turned = {
            pose: swaying(small_of(warped.picture(pose)), 1.0, rng)
            for pitch in PITCHES_DEG
            for share in SHARES
            for pose in (CardPose(float(turn), pitch, share) for turn in _TURNS_DEG)
        }
        stage = Role.SELFIE.value
        selfie = [camera.preview(stage, count) for count in range(_LOOPED)]
        return cls(card, turned, _Shown((), selfie, camera.still(stage)), camera.answer(_RECORDED_CHALLENGE))

    def of(self, stage: str, plan: CapturePlan) -> _Shown:
        """Returns the pictures of a stage under a plan."""
        if stage == Role.SELFIE:
            return self.selfie
        place, wanted = plan.order.index(Role(stage)), plan.poses[Role(stage)]
        shown = self.card[stage, wanted]
        return shown if place == 0 else replace(shown, approach=self._way(plan.poses[plan.order[place - 1]], wanted))

    def _way(self, before: CardPose, wanted: CardPose) -> list[bytes]:
        low, high = sorted((before.turn_deg, wanted.turn_deg))
        way = [
            picture
            for pose, picture in self.turned.items()
            if low < pose.turn_deg < high and (pose.pitch_deg, pose.share) == (wanted.pitch_deg, wanted.share)
        ]
        return way if before.turn_deg < wanted.turn_deg else way[::-1]


def _shown(approach: Sequence[bytes], picture: RGBImage, rng: np.random.Generator) -> _Shown:
    small = small_of(picture)
    return _Shown(approach, [swaying(small, 1.0, rng) for _ in range(_LOOPED)], still_of(picture))


@dataclass
class _LoadDevice:
    """One device of a load."""

    device: Device
    recording: _Recording
    stage: str = ""
    want: str = "preview"
    count: int = 0
    began: float | None = None
    result: ReplayResult = field(default_factory=ReplayResult)

    async def receive(self) -> None:
        """Handle messages as they arrive."""
        while True:
            message = await self.device.next()
            if message["type"] == "guidance":
                self.want = message["want"]
            elif message["type"] == "stage":
                self.stage, self.count, self.want, self.began = message["stage"], 0, "preview", None
            elif message["type"] == "challenge":
                self.began = time.monotonic()
            elif message["type"] == "error":
                self.result.decisions[message["code"]] += 1
            elif message["type"] == "session":
                self.stage = self.device.adopt(message)["stage"]
                self.count, self.want, self.began = 0, "preview", None
            elif message["type"] == "cancelled":
                self.result.dropped += self.device.dropped
                self.result.decisions["turns"] += 1
                await self.device.send({"type": "start", "consent": True})

    async def tick(self) -> None:
        """Send one frame, or the message that is due instead."""
        if self.stage == FINISH:
            self.stage = ""
            await self.device.send({"type": "cancel"})
        elif self.stage == LIVENESS:
            await self._answer_challenge()
        elif self.stage:
            still = self.want == "still"
            shown = self.recording.of(self.stage, draw(unbase64(self.device.session["nonce"])))
            picture = shown.still if still else shown.preview(self.count)
            self.want = "preview"
            await self.device.send_frame(self.stage, picture, still=still)
            self.count += 1
            self.result.sent += 1

    async def _answer_challenge(self) -> None:
        if self.began is None:
            if self.count == 0:
                await self.device.send({"type": "ready"})
            self.count += 1
            return
        at = (time.monotonic() - self.began) * 1000
        _, number, picture = min(self.recording.clip, key=lambda shot: abs(shot[0] - at))
        await self.device.send_frame(LIVENESS, picture, still=True, captured_ms=at, number=number)
        self.result.sent += 1


async def _stream(url: str, key: str, recording: _Recording, rate: float, ends: float, offset: float) -> ReplayResult:
    device = await Device.connect(url, key)
    run = _LoadDevice(device, recording)
    run.stage = (await device.start())["stage"]
    listening = asyncio.create_task(run.receive())
    due = time.monotonic() + offset
    while time.monotonic() < ends and not listening.done():
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due + 1 / rate, time.monotonic() - 1 / rate)
        await run.tick()
    await asyncio.sleep(0.3)
    listening.cancel()
    with suppress(asyncio.CancelledError, DeviceProblem):
        await listening
    await device.socket.close()
    run.result.waited_ms = device.waited_ms
    run.result.dropped += device.dropped
    return run.result
