"""Plays specimens to a server as devices do: whole registrations, or so many frames a second for a while."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.simulator.device import Device, DeviceProblem, register
from idproof.service.stream.simulator.player import SetCamera
from idproof.service.stream.states import FINISH


@dataclass
class Played:
    """What came of it.

    Attributes:
        decisions: of whole registrations, and codes of refusals.
        waited_ms: from sending a frame to its guidance, by the device's clock.
        sent, dropped: frames.
        seconds: for which frames were sent, under load.
        devices: each of several, under load.
    """

    decisions: Counter[str] = field(default_factory=Counter)
    waited_ms: list[float] = field(default_factory=list)
    sent: int = 0
    dropped: int = 0
    seconds: float = 0.0
    devices: list["Played"] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `idproof kiosk replay --json` prints it."""
        waited = [round(value, 2) for value in self.waited_ms]
        told = {"decisions": dict(self.decisions), "sent": self.sent, "dropped": self.dropped, "waited_ms": waited}
        if self.devices:
            told |= {"seconds": round(self.seconds, 2), "devices": [one.to_json() for one in self.devices]}
        return told


async def registrations(
    url: str, key: str, cameras: Sequence[SetCamera], tell: Callable[[str, dict[str, Any]], None]
) -> Played:
    """One device, every set in turn.

    Args:
        url: of the server.
        key: of the device.
        cameras: one a set.
        tell: is shown each verdict (or `retry`) and its session.
    """
    played, device = Played(), await Device.opened(url, key)
    for camera in cameras:
        session = await device.start()
        try:
            last = await register(device, camera)
            played.decisions[last.get("decision", last["type"])] += 1
            tell(session["id"], last)
            if last["type"] == "retry" and last["attempts_left"]:
                await device.say({"type": "cancel"})
                await device.hear("cancelled")
        except DeviceProblem as problem:
            played.decisions[problem.code] += 1
            tell(session["id"], {"type": "error", "code": problem.code})
            with suppress(DeviceProblem):
                device = await Device.opened(url, key)
    await device.socket.close()
    played.waited_ms, played.dropped = device.waited_ms, device.dropped
    return played


async def load(url: str, keys: Sequence[str], cameras: Sequence[SetCamera], *, rate: float, seconds: float) -> Played:
    """As many devices as keys, each at `rate` frames a second for so long, through all stages but the verification.

    A turn that comes to its end is cancelled and another begins: what is measured is the guidance.
    """
    acts = [await asyncio.to_thread(_Act.rehearsed, camera) for camera in cameras[: len(keys)]]
    together, ends = Played(seconds=seconds), time.monotonic() + seconds
    runs = [
        _stream(url, key, acts[place % len(acts)], rate, ends, place / len(keys) / rate)
        for place, key in enumerate(keys)
    ]
    for one in await asyncio.gather(*runs):
        together.waited_ms += one.waited_ms
        together.sent += one.sent
        together.dropped += one.dropped
        together.decisions += one.decisions
        together.devices.append(one)
    return together


_REHEARSED = {
    "nonce": "00" * 32,
    "issued_at": "2026-01-01T00:00:00+00:00",
    "options": {},
}
"""The challenge that clips are rendered for."""
_PREVIEWS, _SWAYS = 12, 8


@dataclass(frozen=True)
class _Act:
    """Every picture that a device sends, made beforehand: rendering and coding are not what load measures."""

    stills: Mapping[str, bytes]
    previews: Mapping[str, Sequence[bytes]]
    clip: Sequence[tuple[float, int, bytes]]

    @classmethod
    def rehearsed(cls, camera: SetCamera) -> Self:
        previews = {stage: [camera.preview(stage, count) for count in range(_PREVIEWS)] for stage in camera.stills}
        return cls(camera.stills, previews, camera.answer(_REHEARSED))

    def preview(self, stage: str, count: int) -> bytes:
        """The first ones once, then the same few swaying ones over and over."""
        steady = _PREVIEWS - _SWAYS
        return self.previews[stage][count if count < _PREVIEWS else steady + (count - steady) % _SWAYS]


@dataclass
class _Run:
    device: Device
    act: _Act
    stage: str = ""
    want: str = "preview"
    count: int = 0
    began: float | None = None
    played: Played = field(default_factory=Played)

    async def hear(self) -> None:
        """Messages as they come."""
        while True:
            message = await self.device.next()
            if message["type"] == "guidance":
                self.want = message["want"]
            elif message["type"] == "stage":
                self.stage, self.count, self.want, self.began = message["stage"], 0, "preview", None
            elif message["type"] == "challenge":
                self.began = time.monotonic()
            elif message["type"] == "error":
                self.played.decisions[message["code"]] += 1
            elif message["type"] == "session":
                self.stage = self.device.known(message)["stage"]
                self.count, self.want, self.began = 0, "preview", None
            elif message["type"] == "cancelled":
                self.played.dropped += self.device.dropped
                self.played.decisions["turns"] += 1
                await self.device.say({"type": "start", "consent": True})

    async def tick(self) -> None:
        """One frame, or what comes in its place."""
        if self.stage == FINISH:
            self.stage = ""
            await self.device.say({"type": "cancel"})
        elif self.stage == LIVENESS:
            await self._live()
        elif self.stage:
            still = self.want == "still"
            picture = self.act.stills[self.stage] if still else self.act.preview(self.stage, self.count)
            self.want = "preview"
            await self.device.send(self.stage, picture, still=still)
            self.count += 1
            self.played.sent += 1

    async def _live(self) -> None:
        if self.began is None:
            if self.count == 0:
                await self.device.say({"type": "ready"})
            self.count += 1
            return
        at = (time.monotonic() - self.began) * 1000
        _, number, picture = min(self.act.clip, key=lambda shot: abs(shot[0] - at))
        await self.device.send(LIVENESS, picture, still=True, captured_ms=at, number=number)
        self.played.sent += 1


async def _stream(url: str, key: str, act: _Act, rate: float, ends: float, offset: float) -> Played:
    device = await Device.opened(url, key)
    run = _Run(device, act)
    run.stage = (await device.start())["stage"]
    listening = asyncio.create_task(run.hear())
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
    run.played.waited_ms = device.waited_ms
    run.played.dropped += device.dropped
    return run.played
