"""Order of examination: no guidance is about an old frame and no device is left out, with any number of devices."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from idproof.service.stream.scheduler import FRESH_S, FrameScheduler, Slot, WaitingInfo


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def run_ready_tasks() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def slot_of(scheduler: FrameScheduler, waiting: WaitingInfo | None, served_at: float) -> Slot:
    slot = scheduler.slot(lambda: waiting)
    slot.served_at = served_at
    return slot


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (((True, 99.0), 99.9), ((False, 100.0), 99.0), "a still was asked for"),
        (((False, 99.99), 99.9), ((False, 99.99), 99.95), "it was not served for longer"),
        (((False, 99.99), 99.9), ((False, 100 - FRESH_S - 0.01), 99.8), "the frame of the other is stale"),
        (((False, 99.0), 99.0), ((False, 100.0), 99.9), "a device that sends few frames is not passed over"),
        ((None, 99.9), ((False, 100.0), 99.0), "a device without a frame gives its slot back"),
    ],
)
def test_the_first_slot_is_granted_before_the_second(
    first: tuple[WaitingInfo | None, float], second: tuple[WaitingInfo | None, float], why: str
) -> None:
    scheduler = FrameScheduler(1, Clock())
    assert slot_of(scheduler, *first).rank(100.0) < slot_of(scheduler, *second).rank(100.0), why


def test_as_many_frames_are_examined_as_there_are_slots_and_a_cancelled_device_takes_none() -> None:
    async def run() -> None:
        scheduler, inside = FrameScheduler(2, Clock()), list[int]()

        async def examine(name: int) -> None:
            async with scheduler.slot(lambda: (False, 100.0)):
                inside.append(name)
                try:
                    await asyncio.Event().wait()
                finally:
                    inside.remove(name)

        tasks = [asyncio.create_task(examine(name)) for name in range(5)]
        await run_ready_tasks()
        assert inside == [0, 1]
        for name in (0, 3):  # one of those inside, one of those that wait
            tasks[name].cancel()
        await run_ready_tasks()
        assert inside == [1, 2]
        for name in (1, 4):  # the second is granted in the very moment that it is given up
            tasks[name].cancel()
        await run_ready_tasks()
        assert inside == [2]
        tasks += [asyncio.create_task(examine(name)) for name in (5, 6)]
        await run_ready_tasks()
        assert inside == [2, 5], "the slot that was given up is free"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert inside == []

    asyncio.run(run())


@dataclass
class Device:
    """Sends ten frames per second; notes the age of each frame when its examination begins."""

    scheduler: FrameScheduler
    calendar: "Calendar"
    examination_s: float
    frame: float | None = None
    there: asyncio.Event = field(default_factory=asyncio.Event)
    ages: list[float] = field(default_factory=list)
    dropped: int = 0

    def send(self) -> None:
        self.dropped += self.frame is not None
        self.frame = self.calendar.clock.now
        self.there.set()
        self.calendar.at(self.frame + 0.1, self.send)

    async def examine_frames(self) -> None:
        slot = self.scheduler.slot(lambda: None if self.frame is None else (False, self.frame))
        while True:
            await self.there.wait()
            async with slot:
                assert self.frame is not None
                self.ages.append(self.calendar.clock.now - self.frame)
                self.frame = None
                self.there.clear()
                examined = asyncio.Event()
                self.calendar.at(self.calendar.clock.now + self.examination_s, examined.set)
                await examined.wait()


@dataclass
class Calendar:
    """Simulated time, in which nothing happens by chance."""

    clock: Clock
    entries: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    count: int = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.entries, (when, self.count, call))

    async def run_until(self, seconds: float) -> None:
        while self.entries and self.entries[0][0] < seconds:
            self.clock.now, _, call = heapq.heappop(self.entries)
            call()
            await run_ready_tasks()


async def stream(count: int, examination_s: float, seconds: float) -> list[Device]:
    clock = Clock(0.0)
    scheduler, calendar = FrameScheduler(2, clock), Calendar(clock)
    devices = [Device(scheduler, calendar, examination_s) for _ in range(count)]
    tasks = [asyncio.create_task(device.examine_frames()) for device in devices]
    for number, device in enumerate(devices):
        calendar.at(0.1 * ((number * 7) % count) / count, device.send)
    await calendar.run_until(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return devices


@pytest.mark.parametrize(
    ("count", "examination_s", "minimum_fps"), [(4, 0.015, 9.5), (12, 0.024, 5.5), (30, 0.024, 1.8)]
)
def test_with_more_frames_than_can_be_examined_all_devices_are_guided_equally_often_on_fresh_ones(
    count: int, examination_s: float, minimum_fps: float
) -> None:
    """Two slots, ten frames per second of each device."""
    devices = asyncio.run(stream(count, examination_s, 10.0))
    fps = [len(device.ages) / 10 for device in devices]
    assert min(fps) >= minimum_fps
    assert max(fps) - min(fps) <= 0.15 * max(fps) + 0.2
    ages = np.concatenate([device.ages for device in devices])
    assert np.percentile(ages, 95) <= FRESH_S + 1e-6
    assert sum(fps) <= 2 / examination_s + 1
    for device in devices:
        assert len(device.ages) + device.dropped >= 98
