"""Whose frame is looked at next, where more devices stream than can be looked at side by side.

Next is the device that was not looked at for longest, so that all are guided equally often. But a frame that waited is
as good as lost, for its device sends another in a moment: fresh ones go before it. So there is no guidance about what
was before the camera long ago, however many devices stream; what a device loses is told to it as `dropped`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio

FRESH_S = 0.025
"""For so long a frame is fresh: with what looking takes, its guidance comes within a tenth of a second."""
_PATIENCE_S = 1.0  # a device that was not looked at for longer sends few frames: this one is not left for the next

Waits = tuple[bool, float]
"""Whether it is a still, and when it came."""


@dataclass
class Line:
    """One for each server process; use it on its event loop.

    Args:
        places: frames that are looked at side by side.
        clock: seconds; frames are stamped by the same.
    """

    places: int
    clock: Callable[[], float] = time.monotonic
    _taken: int = 0
    _waiting: list["Place"] = field(default_factory=list)

    def place(self, waits: Callable[[], Waits | None]) -> "Place":
        """For one device: entered to look at a frame, left when it was seen.

        Args:
            waits: its newest frame, if there is one.
        """
        return Place(self, waits)

    async def enter(self, place: "Place") -> None:
        """Wait until it is this one's turn."""
        if self._taken < self.places:
            self._taken += 1
            return
        place.called = anyio.Event()
        self._waiting.append(place)
        try:
            await place.called.wait()
        except BaseException:
            if place in self._waiting:
                self._waiting.remove(place)
            else:  # called in the very moment that it was given up
                self.leave()
            raise

    def leave(self) -> None:
        """Call the next one."""
        if not self._waiting:
            self._taken -= 1
            return
        now = self.clock()
        called = min(self._waiting, key=lambda place: place.rank(now))
        self._waiting.remove(called)
        called.called.set()


@dataclass(eq=False)
class Place:
    """Of one device in the line."""

    line: Line
    waits: Callable[[], Waits | None]
    served: float = float("-inf")
    called: anyio.Event = field(default_factory=anyio.Event)

    async def __aenter__(self) -> Self:
        await self.line.enter(self)
        self.served = self.line.clock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.line.leave()

    def rank(self, now: float) -> tuple[bool, bool, float]:
        """The least is called first: stills, which were asked for, then fresh frames, then who waited for longest."""
        if (waits := self.waits()) is None:
            return (False, False, self.served)
        still, arrived = waits
        stale = now - arrived > FRESH_S and now - self.served < _PATIENCE_S
        return (not still, stale, self.served)
