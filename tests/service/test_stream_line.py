"""Whose frame is looked at next: nobody's guidance is old, and nobody is left out, with any number of devices."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from idproof.service.stream.scheduler import FRESH_S, Line, Place, Waits


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
    """Sends ten frames a second; notes how old those were that were looked at."""

    line: Line
    calendar: "Calendar"
    look_s: float
    frame: float | None = None
    there: asyncio.Event = field(default_factory=asyncio.Event)
    ages: list[float] = field(default_factory=list)
    dropped: int = 0

    def send(self) -> None:
        self.dropped += self.frame is not None
        self.frame = self.calendar.clock.now
        self.there.set()
        self.calendar.at(self.frame + 0.1, self.send)

    async def looked_at(self) -> None:
        place = self.line.place(lambda: None if self.frame is None else (False, self.frame))
        while True:
            await self.there.wait()
            async with place:
                assert self.frame is not None
                self.ages.append(self.calendar.clock.now - self.frame)
                self.frame = None
                self.there.clear()
                seen = asyncio.Event()
                self.calendar.at(self.calendar.clock.now + self.look_s, seen.set)
                await seen.wait()


@dataclass
class Calendar:
    """A time of its own, in which nothing happens by chance."""

    clock: Clock
    entries: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    count: int = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.entries, (when, self.count, call))

    async def go(self, seconds: float) -> None:
        while self.entries and self.entries[0][0] < seconds:
            self.clock.now, _, call = heapq.heappop(self.entries)
            call()
            await settled()


async def streamed(count: int, look_s: float, seconds: float) -> list[Device]:
    clock = Clock(0.0)
    line, calendar = Line(2, clock), Calendar(clock)
    devices = [Device(line, calendar, look_s) for _ in range(count)]
    tasks = [asyncio.create_task(device.looked_at()) for device in devices]
    for number, device in enumerate(devices):
        calendar.at(0.1 * ((number * 7) % count) / count, device.send)
    await calendar.go(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return devices


@pytest.mark.parametrize(("count", "look_s", "least_fps"), [(4, 0.015, 9.5), (12, 0.024, 5.5), (30, 0.024, 1.8)])
def test_with_more_frames_than_can_be_looked_at_all_are_guided_alike_and_on_fresh_ones(
    count: int, look_s: float, least_fps: float
) -> None:
    """Two places, ten frames a second of each device."""
    devices = asyncio.run(streamed(count, look_s, 10.0))
    fps = [len(device.ages) / 10 for device in devices]
    assert min(fps) >= least_fps
    assert max(fps) - min(fps) <= 0.15 * max(fps) + 0.2
    ages = np.concatenate([device.ages for device in devices])
    assert np.percentile(ages, 95) <= FRESH_S + 1e-6
    assert sum(fps) <= 2 / look_s + 1
    for device in devices:
        assert len(device.ages) + device.dropped >= 98
