"""Slots of the registrations in progress: bounded for a server process, and for each of its clients."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from idproof.service.errors import ServiceProblem
from idproof.service.storage.verdicts import ANONYMOUS

_LEFT_TO_OTHERS = 0.25
"""Share of the slots that no single client takes. Chosen by hand; no outside source."""


class Slots:
    """The slots of one server process; to be used from its event loop.

    Args:
        total: registrations that may be in progress at once: verified or waiting.

    Example:
        >>> slots = Slots(8)
        >>> with slots.hold("client"):
        ...     (slots.used, slots.total, slots.per_client)
        (1, 8, 6)
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._used_by: Counter[str] = Counter()

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
            ServiceProblem: `busy` when all are used, or `too_many_at_once` when the client uses its share; before
                anything is received.
        """
        if self.used >= self.total:
            raise ServiceProblem("busy", "All places are taken; please try again shortly.")
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
