"""Five failures in three minutes lock a session and a device for a while."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

_MOST_KEYS = 100_000


@dataclass
class Lockout:
    """Counts failed attempts by key, such as `session:…` and `device:…`; safe to use from several threads.

    It lives in one process and forgets with it. Whoever runs several puts the same rule on a store they share.

    Attributes:
        failures: that many within `window_s` lock.
        window_s, locked_s: seconds.
        clock: monotonic seconds.

    Example:
        >>> lockout = Lockout(clock=lambda: 100.0)
        >>> for _ in range(5):
        ...     lockout.failed(["session:1", "device:9"])
        >>> lockout.remaining_s(["session:2", "device:9"])
        600.0
    """

    failures: int = 5
    window_s: float = 180.0
    locked_s: float = 600.0
    clock: Callable[[], float] = time.monotonic
    _recent: dict[str, deque[float]] = field(default_factory=dict, repr=False)
    _until: dict[str, float] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def failed(self, keys: Iterable[str]) -> None:
        """Record one failed attempt of all these keys."""
        now = self.clock()
        with self._lock:
            self._forget(now)
            for key in keys:
                recent = self._recent.setdefault(key, deque(maxlen=self.failures))
                recent.append(now)
                if len(recent) == self.failures and now - recent[0] <= self.window_s:
                    self._until[key] = now + self.locked_s

    def succeeded(self, session: str) -> None:
        """A session's success clears the session; a device stays counted, since many people may use it."""
        with self._lock:
            self._recent.pop(session, None)

    def remaining_s(self, keys: Iterable[str]) -> float:
        """Seconds until none of these keys is locked any more; 0 when they may try."""
        now = self.clock()
        with self._lock:
            return max([0.0, *(self._until.get(key, now) - now for key in keys)])

    def _forget(self, now: float) -> None:
        self._until = {key: until for key, until in self._until.items() if until > now}
        if len(self._recent) > _MOST_KEYS:
            fresh = {key: times for key, times in self._recent.items() if now - times[-1] <= self.window_s}
            self._recent = fresh
