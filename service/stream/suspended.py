"""Turns of this process whose device is away: they wait for it, without their pictures after a while."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from idproof.service.stream.session import Turn


@dataclass
class Rooms:
    """One for each server process; use it on its event loop.

    Args:
        grace_s: for which the pictures of a device that was cut off wait.
        lapsed: is told of a turn that nobody came back for.
    """

    grace_s: float
    lapsed: Callable[[str, Turn], None] = lambda kiosk, turn: None
    _turns: dict[str, tuple[Turn, tuple[asyncio.TimerHandle, ...]]] = field(default_factory=dict)

    def park(self, kiosk: str, turn: Turn) -> None:
        """The device was cut off."""
        loop = asyncio.get_running_loop()
        left = max(0.0, turn.ends_at - time.time())
        timers = (loop.call_later(self.grace_s, turn.hang_up), loop.call_later(left, self._over, kiosk))
        self._turns[kiosk] = (turn, timers)

    def fetch(self, kiosk: str) -> Turn | None:
        """The turn that waits for this device; it waits no more."""
        turn, timers = self._turns.pop(kiosk, (None, ()))
        for timer in timers:
            timer.cancel()
        return turn

    def _over(self, kiosk: str) -> None:
        turn = self.fetch(kiosk)
        if turn is not None and not turn.verifying:
            turn.end()
            self.lapsed(kiosk, turn)
