"""Limits of one client: requests per minute, and registrations at once. Counted per server process."""

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
    """Counts requests and registrations; to be used from one thread.

    Args:
        per_minute: requests of one client.
        at_once: registrations of one client that are received or verified at once.
        failures_per_minute: requests from one address that may fail authentication; further failures are answered
            with `rate_limited`. The default was chosen by hand: it lets an operator repair a wrong key.
    """

    def __init__(self, per_minute: int, at_once: int, failures_per_minute: int = 60) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(per_minute)
        self._failures = RateLimitItemPerMinute(failures_per_minute)
        self._at_once = at_once
        self._busy: Counter[str] = Counter()

    def request(self, client: str) -> None:
        """Counts one request; raises `rate_limited`."""
        if not self._limiter.hit(self._rate, "request", client):
            raise self._too_many(self._rate, "request", client)

    def failed(self, host: str) -> None:
        """Counts one request from an address that failed authentication; raises `rate_limited` after too many.

        Never asked before authentication: many clients share an address behind a proxy or a network's gateway, and a
        valid credential must not be refused because of others.
        """
        if not self._limiter.hit(self._failures, "failure", host):
            raise self._too_many(self._failures, "failure", host)

    @contextmanager
    def one_more(self, client: str) -> Iterator[None]:
        """Counts one registration of a client while the context is open; raises `too_many_at_once`."""
        if self._busy[client] >= self._at_once:
            raise ServiceProblem("too_many_at_once", "Too many of your registrations are under way.")
        self._busy[client] += 1
        try:
            yield
        finally:
            self._busy[client] -= 1
            if not self._busy[client]:
                del self._busy[client]

    def _too_many(self, rate: RateLimitItemPerMinute, kind: str, name: str) -> ServiceProblem:
        wait = max(1, ceil(self._limiter.get_window_stats(rate, kind, name).reset_time - time()))
        return ServiceProblem("rate_limited", "Too many requests; slow down.", retry_after=wait)
