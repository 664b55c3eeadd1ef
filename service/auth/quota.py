"""Limits of one client: requests per minute, and registrations at once. Counted per server process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from idproof.service.errors import ServiceProblem

ALLOWANCE = "allowance"
"""Name in a request's state under which its answer finds the `Allowance`."""
_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """Requests that one client, or failures that one address, has left.

    Attributes:
        policy: name of the limit.
        per_minute: the limit.
        left: requests left now.
        reset_s: seconds until there are more.
        allowed: whether the request that was counted is within the limit.
    """

    policy: str
    per_minute: int
    left: int
    reset_s: int
    allowed: bool

    def require(self) -> None:
        """Raises `rate_limited` if the request that was counted is not allowed."""
        if not self.allowed:
            raise ServiceProblem("rate_limited", "Too many requests; slow down.", retry_after=self.reset_s)

    def headers(self) -> dict[str, str]:
        """Returns the headers of draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.per_minute};w={_WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={self.left};t={self.reset_s}',
        }


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

    def request(self, client: str) -> Allowance:
        """Counts one request of a client."""
        return self._hit(self._rate, "client", client)

    def failed(self, host: str) -> Allowance:
        """Counts one request from an address that failed authentication.

        Never asked before authentication: many clients share an address behind a proxy or a network's gateway, and a
        valid credential must not be refused because of others.
        """
        return self._hit(self._failures, "failures", host)

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

    def _hit(self, rate: RateLimitItemPerMinute, policy: str, name: str) -> Allowance:
        allowed = self._limiter.hit(rate, policy, name)
        stats = self._limiter.get_window_stats(rate, policy, name)
        return Allowance(policy, rate.amount, stats.remaining, max(1, ceil(stats.reset_time - time())), allowed)
