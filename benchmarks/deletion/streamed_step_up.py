"""Takes a step-up at a streaming device of a server, and searches for its selfie, frames and portrait afterwards."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np

from idproof.benchmarks.deletion.canaries import Needles
from idproof.benchmarks.deletion.scenarios import ScenarioResult, ScenarioRunner, new_needles, result_of
from idproof.benchmarks.deletion.step_up import (
    TEXT,
    TEXTS,
    Pictures,
    holder_portrait,
    needles_of_step_up,
    pictures_of,
    post,
    step_up_server,
)
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.pipeline import Role
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.verdicts import ANONYMOUS
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.simulator.device import Device

_MOST_SHOWN = 40  # stills of the selfie until one is good enough twice; chosen by hand, no outside source


def run_streamed_step_up(runner: ScenarioRunner) -> ScenarioResult:
    """Opens a step-up on a new server, lets a device show a rendered person, and searches.

    Raises:
        BenchmarkFailed: nothing was decided, and so nothing was shown.
    """
    name = "streamed_step_up"
    runner.report(name)
    rng = np.random.default_rng([runner.factory.seed, len(name)])
    portrait = holder_portrait(rng)
    with step_up_server(runner, None, portrait) as (server, token):
        opened = post(server, "/v1/step-ups", json={"login": token, "text": TEXT})
        # Of another challenge: what the server holds of these before it saw a picture is no trace of one.
        common = needles_of_step_up(runner.factory, pictures_of(opened["challenge"], portrait, rng))
        held = _without(common, new_needles(runner, server, common))
        store, _ = open_verdicts_and_audit(server.data_folder)
        key = Kiosks(store.database, store.seal).enroll("canaries", client=ANONYMOUS)
        store.close()
        selfie = pictures_of(opened["challenge"], portrait, rng).parts[Role.SELFIE]
        device = _Session(runner, portrait, selfie, rng)
        needles = _without(asyncio.run(device.take(server.url, key, opened["id"])), held)
        runner.search.load(needles, TEXTS)
        result = result_of(name, needles, TEXTS, runner.search.search(server))
    result.answers[device.decision] = 1
    runner.everything.append(needles)
    runner.report(f"{name}: {sum(result.found.values())} of {len(needles)} found")
    return result


class _Session:
    """One session of a device before a rendered person."""

    def __init__(self, runner: ScenarioRunner, portrait: bytes, selfie: bytes, rng: np.random.Generator) -> None:
        self._runner, self._portrait, self._selfie, self._rng = runner, portrait, selfie, rng
        self.decision = ""

    async def take(self, url: str, key: str, step_up: str) -> Needles:
        """Plays the session to its end; returns the needles of everything that it showed."""
        device = await Device.connect(url, key)
        try:
            await device.start(step_up=step_up)
            await self._show_selfie(device)
            await device.send({"type": "ready"})
            pictures = await self._answer(device, (await device.receive("challenge"))["challenge"])
            needles = await asyncio.to_thread(needles_of_step_up, self._runner.factory, pictures)
            await device.send({"type": "finish"})
            self.decision = (await device.receive("step_up_decided", "retry"))["decision"]
        finally:
            await device.socket.close()
        return needles

    async def _show_selfie(self, device: Device) -> None:
        for _ in range(_MOST_SHOWN):
            await device.send_frame(Role.SELFIE, self._selfie, still=True)
            message = await device.receive("guidance")
            if message["want"] == "none":
                await device.receive("stage")
                return
        raise BenchmarkFailed(f"No selfie was taken; the last hint was {device.hints[-1]}.")

    async def _answer(self, device: Device, challenge: Mapping[str, Any]) -> Pictures:
        pictures = await asyncio.to_thread(pictures_of, challenge, self._portrait, self._rng, self._selfie)
        answer = pictures.answer
        for name, timing in zip(answer.names, answer.timings, strict=True):
            picture = pictures.parts[name]
            await device.send_frame(LIVENESS, picture, still=True, captured_ms=timing.captured_ms, number=timing.number)
        message = await device.receive("stage")
        if message["stage"] != "finish":
            raise BenchmarkFailed(f"The challenge was not answered: {message['again']}.")
        return pictures


def _without(needles: Needles, taken: Needles) -> Needles:
    rows = {row.tobytes() for row in taken.data}
    return needles.only(np.array([row.tobytes() not in rows for row in needles.data], dtype=np.bool_))
