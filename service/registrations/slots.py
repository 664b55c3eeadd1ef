"""Slots of the registrations in progress: bounded for a server process, and for each of its clients.

A registration is admitted if it need not wait longer than is bearable, by the time that verifications take at present.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, inf

from idproof.service.errors import ServiceProblem
from idproof.service.storage.verdicts import ANONYMOUS

_LEFT_TO_OTHERS = 0.25
"""Share of the slots that no single client takes. Chosen by hand; no outside source."""
_WEIGHT = 0.2
"""Weight of the last verification in the mean time. Chosen by hand: ten verifications forget nine tenths of it."""


class Slots:
    """The slots of one server process; to be used from its event loop.

    Args:
        total: registrations that may be in progress at once: verified or waiting.
        at_once: registrations that are verified at once.
        wait_s: seconds that a registration may have to wait; without it only `total` bounds.

    Example:
        >>> slots = Slots(8)
        >>> with slots.hold("client"):
        ...     (slots.used, slots.total, slots.per_client)
        (1, 8, 6)
    """

    def __init__(self, total: int, at_once: int = 1, wait_s: float = inf) -> None:
        self.total = total
        self._at_once, self._wait_s = at_once, wait_s
        self._used_by: Counter[str] = Counter()
        self.service_s: float | None = None
        """Seconds that a verification takes at present: a mean in which the last ones weigh most."""

    def record(self, seconds: float) -> None:
        """Records the time that a verification took, without its waiting."""
        self.service_s = seconds if self.service_s is None else self.service_s + _WEIGHT * (seconds - self.service_s)

    @property
    def waiting_s(self) -> float:
        """Seconds that one more registration would wait, as far as is known."""
        ahead = self.used + 1 - self._at_once
        return max(0, ahead) * (self.service_s or 0.0) / self._at_once

    @property
    def used(self) -> int:
        """Registrations in progress."""
        return self._used_by.total()

    @property
    def per_client(self) -> int:
        """Registrations of one client that may be in progress at once: the others always find some slots free."""
        return max(1, self.total - ceil(self.total * _LEFT_TO_OTHERS))

    @contextmanager
    def hold(self, client: str) -> Iterator[None]:
        """Holds one slot of a client.

        Raises:
            ServiceProblem: `busy` when all are used, or when the registration would wait too long, or
                `too_many_at_once` when the client uses its share; before anything is received.
        """
        late = self.waiting_s - self._wait_s
        if self.used >= self.total or late > 0:
            # By then so many will be done that a slot is free, or the wait is short enough.
            after = max(late, (self.service_s or 0.0) / self._at_once)
            sentence = "All places are taken; please try again shortly."
            raise ServiceProblem("busy", sentence, retry_after=max(1, ceil(after)) if after else None)
        # While callers need no key there is one client.
        if client != ANONYMOUS and self._used_by[client] >= self.per_client:
            raise ServiceProblem("too_many_at_once", "Too many of your registrations are under way.")
        self._used_by[client] += 1
        try:
            yield
        finally:
            self._used_by[client] -= 1
            if not self._used_by[client]:
                del self._used_by[client]
