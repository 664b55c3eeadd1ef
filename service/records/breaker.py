"""A circuit breaker: who does not answer is left alone for a while, so that waiting for it holds nobody up."""

import threading
import time


class Breaker:
    """Opens after so many failures in a row, and lets one try through when its time is over. Safe from threads.

    Args:
        failures: in a row, after which it opens.
        open_s: how long it stays open.

    Example:
        >>> breaker = Breaker(failures=2, open_s=60)
        >>> breaker.failed(), breaker.failed(), breaker.allows()
        (None, None, False)
    """

    def __init__(self, failures: int, open_s: float) -> None:
        self._limit = failures
        self._open_s = open_s
        self._count = 0
        self._until = 0.0
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """Whether to try; after the open time one caller is told yes, and the others wait for what it finds."""
        with self._lock:
            if self._count < self._limit:
                return True
            if time.monotonic() < self._until:
                return False
            self._until = time.monotonic() + self._open_s
            return True

    def succeeded(self) -> None:
        """It answered."""
        with self._lock:
            self._count = 0

    def failed(self) -> None:
        """It did not."""
        with self._lock:
            self._count += 1
            if self._count >= self._limit:
                self._until = time.monotonic() + self._open_s
