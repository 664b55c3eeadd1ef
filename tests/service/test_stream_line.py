"""Whose frame is looked at next: nobody's guidance is old, and nobody is left out, with any number of devices."""

import asyncio
import heapq
from dataclasses import dataclass, field

import numpy as np
import pytest

from idproof.service.stream.line import FRESH_S, Line, Place, Waits


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def settled() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def waiting(line: Line, waits: Waits | None, served: float) -> Place:
    place = line.place(lambda: waits)
    place.served = served
    return place


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (((True, 99.0), 99.9), ((False, 100.0), 99.0), "a still was asked for"),
        (((False, 99.99), 99.9), ((False, 99.99), 99.95), "it was not looked at for longer"),
        (((False, 99.99), 99.9), ((False, 100 - FRESH_S - 0.01), 99.8), "the other's next frame is not far"),
        (((False, 99.0), 99.0), ((False, 100.0), 99.9), "who sends few frames is not passed over"),
        ((None, 99.9), ((False, 100.0), 99.0), "its turn ended: it goes"),
    ],
)
def test_who_is_called_first(first: tuple[Waits | None, float], second: tuple[Waits | None, float], why: str) -> None:
    line = Line(1, Clock())
    one, other = waiting(line, *first), waiting(line, *second)
    assert one.rank(100.0) < other.rank(100.0), why


def test_as_many_are_looked_at_as_there_are_places_and_who_goes_away_takes_none() -> None:
    async def run() -> None:
        line, inside = Line(2, Clock()), list[int]()

        async def look(name: int) -> None:
            async with line.place(lambda: (False, 100.0)):
                inside.append(name)
                try:
                    await asyncio.Event().wait()
                finally:
                    inside.remove(name)

        tasks = [asyncio.create_task(look(name)) for name in range(5)]
        await settled()
        assert inside == [0, 1]
        for name in (0, 3):  # one of those inside, one of those that wait
            tasks[name].cancel()
        await settled()
        assert inside == [1, 2]
        for name in (1, 4):  # the second is called in the very moment that it is given up
            tasks[name].cancel()
        await settled()
        assert inside == [2]
        tasks += [asyncio.create_task(look(name)) for name in (5, 6)]
        await settled()
        assert inside == [2, 5], "the place that was given up is free"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert inside == []

    asyncio.run(run())


@dataclass
class Device:
    place: Place
    frame: float | None = None
    there: asyncio.Event = field(default_factory=asyncio.Event)
    ages: list[float] = field(default_factory=list)
    dropped: int = 0


@pytest.mark.parametrize(("devices", "look_s", "least_fps"), [(4, 0.015, 9.5), (12, 0.024, 5.5), (30, 0.024, 1.8)])
def test_with_more_frames_than_can_be_looked_at_all_are_guided_alike_and_on_fresh_ones(
    devices: int, look_s: float, least_fps: float
) -> None:
    """Two places, ten frames a second of each device, in a time of its own."""
    clock = Clock(0.0)

    async def run() -> list[Device]:
        line, calendar = Line(2, clock), list[tuple[float, int, asyncio.Event | int]]()

        def at(when: float, what: asyncio.Event | int) -> None:
            heapq.heappush(calendar, (when, len(calendar) + id(what), what))

        def made() -> Device:
            device = Device(line.place(lambda: None))
            device.place.waits = lambda: None if device.frame is None else (False, device.frame)
            return device

        async def look(device: Device) -> None:
            while True:
                await device.there.wait()
                async with device.place:
                    assert device.frame is not None
                    device.ages.append(clock.now - device.frame)
                    device.frame = None
                    device.there.clear()
                    seen = asyncio.Event()
                    at(clock.now + look_s, seen)
                    await seen.wait()

        everybody = [made() for _ in range(devices)]
        tasks = [asyncio.create_task(look(device)) for device in everybody]
        for number in range(devices):
            at(0.1 * ((number * 7) % devices) / devices, number)
        while calendar and calendar[0][0] < 10:
            clock.now, _, what = heapq.heappop(calendar)
            if isinstance(what, asyncio.Event):
                what.set()
            else:
                device = everybody[what]
                device.dropped += device.frame is not None
                device.frame = clock.now
                device.there.set()
                at(clock.now + 0.1, what)
            await settled()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return everybody

    everybody = asyncio.run(run())
    fps = [len(device.ages) / 10 for device in everybody]
    assert min(fps) >= least_fps
    assert max(fps) - min(fps) <= 0.15 * max(fps) + 0.2
    ages = np.concatenate([device.ages for device in everybody])
    assert np.percentile(ages, 95) <= FRESH_S + 1e-6
    assert sum(fps) <= 2 / look_s + 1
    for device in everybody:
        assert len(device.ages) + device.dropped >= 98
