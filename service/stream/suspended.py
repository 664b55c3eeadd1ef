"""Sessions of this process whose device is away: they wait for it, but their pictures only for a while."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from idproof.service.stream.session import DeviceSession


@dataclass
class SuspendedSessions:
    """Suspended sessions by device, one object per server process; use it on its event loop.

    Args:
        grace_s: seconds for which the pictures of a device that was cut off are held.
        on_lapse: called with the device's id and a session whose time ended before the device came back.
    """

    grace_s: float
    on_lapse: Callable[[str, DeviceSession], None] = lambda _device, _session: None
    _sessions: dict[str, tuple[DeviceSession, tuple[asyncio.TimerHandle, ...]]] = field(default_factory=dict)

    def add(self, device: str, session: DeviceSession) -> None:
        """Suspend the session of a device that was cut off."""
        loop = asyncio.get_running_loop()
        release = loop.call_later(self.grace_s, session.release_pictures)
        lapse = loop.call_later(max(0.0, session.remaining_s), self._lapse, device)
        self._sessions[device] = (session, (release, lapse))

    def take(self, device: str) -> DeviceSession | None:
        """Returns the session that waits for a device, if there is one; it is suspended no more."""
        session, timers = self._sessions.pop(device, (None, ()))
        for timer in timers:
            timer.cancel()
        return session

    def _lapse(self, device: str) -> None:
        session = self.take(device)
        if session is None:
            return
        session.abandon()
        if session.ended:
            self.on_lapse(device, session)
