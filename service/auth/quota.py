"""Limits of one client: requests per minute, and registrations at once. Counted per server process."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic, time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from idproof.service.errors import ServiceProblem
from idproof.service.operations.networks import address_group

ALLOWANCE = "allowance"
"""Name in a request's state under which its answer finds the `Allowance`."""
_WINDOW_S = 60
_MOST_NAMES = 20_000
"""Clients, addresses and credentials that are counted at once; about 300 bytes each. Beyond them the one that was
silent longest is forgotten. Chosen by hand; no outside source."""


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
        failures_per_minute: requests from one address, and with one credential from anywhere, that may fail
            authentication; further failures are answered with `rate_limited`. The default was chosen by hand: it lets
            an operator repair a wrong key.
    """

    def __init__(self, per_minute: int, at_once: int, failures_per_minute: int = 60) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(per_minute)
        self._failures = RateLimitItemPerMinute(failures_per_minute)
        self._at_once = at_once
        self._busy: Counter[str] = Counter()
        self._counted: OrderedDict[tuple[RateLimitItemPerMinute, str, str], float] = OrderedDict()

    def request(self, client: str) -> Allowance:
        """Counts one request of a client."""
        return self._hit(self._rate, "client", client)

    def failed(self, host: str, credential: str | None = None) -> Allowance:
        """Counts one request that failed authentication; returns the allowance that has less left.

        Never asked before authentication: many clients share an address behind a proxy or a network's gateway, and a
        valid credential must not be refused because of others, who may even know the id of its key.

        Args:
            host: address that it came from. Those of one IPv6 network /64 count together.
            credential: name of what failed, which holds no secret; None if there was nothing.
        """
        allowances = [self._hit(self._failures, "failures", address_group(host))]
        if credential is not None:
            allowances.append(self._hit(self._failures, "failures-of-credential", credential))
        return min(allowances, key=lambda found: (found.allowed, found.left))

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
        self._forget()
        key = (rate, policy, name)
        self._counted[key] = monotonic()
        self._counted.move_to_end(key)
        allowed = self._limiter.hit(rate, policy, name)
        stats = self._limiter.get_window_stats(rate, policy, name)
        return Allowance(policy, rate.amount, stats.remaining, max(1, ceil(stats.reset_time - time())), allowed)

    def _forget(self) -> None:
        """Drops names that were silent for a window: the limiter itself keeps an empty list of each for ever."""
        while self._counted:
            (rate, policy, name), last = next(iter(self._counted.items()))
            if monotonic() - last <= _WINDOW_S and len(self._counted) < _MOST_NAMES:
                return
            self._counted.popitem(last=False)
            self._limiter.storage.clear(rate.key_for(policy, name))
