"""What one client may use up: requests a minute, and registrations at once. Counted in each server process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from idproof.service.errors import ServiceProblem


class Quota:
    """Counts; use it from one thread.

    Args:
        per_minute: requests of one client.
        at_once: registrations of one client that are received or verified.
        failures_per_minute: requests from one address that are refused for want of a right.
    """

    def __init__(self, per_minute: int, at_once: int, failures_per_minute: int = 60) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(per_minute)
        self._failures = RateLimitItemPerMinute(failures_per_minute)
        self._at_once = at_once
        self._busy: Counter[str] = Counter()

    def request(self, client: str) -> None:
        """Count one request; raises `rate_limited`."""
        if not self._limiter.hit(self._rate, "request", client):
            raise self._too_many(self._rate, "request", client)

    def address(self, host: str) -> None:
        """Refuse an address that guesses; raises `rate_limited`."""
        if not self._limiter.test(self._failures, "failure", host):
            raise self._too_many(self._failures, "failure", host)

    def failed(self, host: str) -> None:
        """Count one refusal against an address."""
        self._limiter.hit(self._failures, "failure", host)

    @contextmanager
    def one_more(self, client: str) -> Iterator[None]:
        """One registration of a client; raises `too_many_at_once`."""
        if self._busy[client] >= self._at_once:
            raise ServiceProblem("too_many_at_once", "Too many of your registrations are under way.")
        self._busy[client] += 1
        try:
            yield
        finally:
            self._busy[client] -= 1
            if not self._busy[client]:
                del self._busy[client]

    def _too_many(self, rate: RateLimitItemPerMinute, kind: str, who: str) -> ServiceProblem:
        wait = max(1, ceil(self._limiter.get_window_stats(rate, kind, who).reset_time - time()))
        return ServiceProblem("rate_limited", "Too many requests; slow down.", retry_after=wait)
