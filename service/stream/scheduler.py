"""Order in which frames are examined where more devices stream than can be examined side by side.

The device that was not served for longest is next, so that all of them are guided equally often. But a stale frame is
as good as lost, since its device sends another one in a moment: fresh frames go first. So guidance is never about a
picture of long ago, however many devices stream. A device learns of its lost frames by the member `dropped`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio

FRESH_S = 0.025
"""Seconds for which a frame is fresh. Derived: 100 ms to the guidance, which `docs/stream.md` promises, less the
examination of the frame before this one and of this one; measured by `idproof bench stream`."""
_STARVED_S = 1.0
"""Seconds without service after which a device's stale frame counts as fresh: it sends too few frames to be passed
over. Chosen by hand on tuning data; no outside source."""

WaitingInfo = tuple[bool, float]
"""Of a frame that waits: whether it is a still, and its time of arrival."""


@dataclass
class FrameScheduler:
    """Grants slots for examinations, one object per server process; use it on its event loop.

    Args:
        slots: frames that are examined side by side.
        clock: seconds; arrivals are stamped by the same clock.
    """

    slots: int
    clock: Callable[[], float] = time.monotonic
    _taken: int = 0
    _queue: list["Slot"] = field(default_factory=list)

    def slot(self, waiting: Callable[[], WaitingInfo | None]) -> "Slot":
        """Returns a slot for one device: entered before it examines a frame, left afterwards.

        Args:
            waiting: returns the device's newest frame, if there is one.
        """
        return Slot(self, waiting)

    async def acquire(self, slot: "Slot") -> None:
        """Wait until this slot is granted."""
        if self._taken < self.slots:
            self._taken += 1
            return
        slot.granted = anyio.Event()
        self._queue.append(slot)
        try:
            await slot.granted.wait()
        except BaseException:
            if slot in self._queue:
                self._queue.remove(slot)
            else:  # granted in the very moment that it was given up
                self.release()
            raise

    def release(self) -> None:
        """Grant the next slot."""
        if not self._queue:
            self._taken -= 1
            return
        now = self.clock()
        first = min(self._queue, key=lambda slot: slot.rank(now))
        self._queue.remove(first)
        first.granted.set()


@dataclass(eq=False)
class Slot:
    """Slot of one device."""

    scheduler: FrameScheduler
    waiting: Callable[[], WaitingInfo | None]
    served_at: float = float("-inf")
    granted: anyio.Event = field(default_factory=anyio.Event)

    async def __aenter__(self) -> Self:
        await self.scheduler.acquire(self)
        self.served_at = self.scheduler.clock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scheduler.release()

    def rank(self, now: float) -> tuple[bool, bool, float]:
        """Returns a sort key, least first: stills (the server asked for them), fresh frames, the longest wait.

        A device without a frame ranks as a still: it gives its slot back at once.
        """
        if (waiting := self.waiting()) is None:
            return (False, False, self.served_at)
        still, arrived = waiting
        stale = now - arrived > FRESH_S and now - self.served_at < _STARVED_S
        return (not still, stale, self.served_at)
