"""Bounds on the connections of streams: of all, of one address, and of those that have not said who they are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from idproof.service.errors import ServiceProblem, StreamProblem
from idproof.service.operations.networks import address_group

MOST_WAITING, MOST_WAITING_OF_ADDRESS = 64, 16
"""Connections before `auth`. A device sends it within a round trip; one that is displaced connects again. Chosen by
hand; no outside source."""


class Admission:
    """Counts the connections of one server process; to be used from its event loop.

    Args:
        total: connections at once.
        per_address: of one address at once.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self._total, self._per_address = total, per_address
        self._of_address: Counter[str] = Counter()
        self._most_pages, self._pages = max(1, total * 3 // 4), 0
        self._waiting: dict[anyio.CancelScope, str] = {}

    @property
    def connected(self) -> int:
        """Connections now."""
        return self._of_address.total()

    @contextmanager
    def connection(self, host: str) -> Iterator[None]:
        """Counts one connection while the context is open; raises `busy` when there are too many."""
        address = address_group(host)
        if self.connected >= self._total or self._of_address[address] >= self._per_address:
            raise ServiceProblem("busy", "Too many devices are connected; please try again shortly.")
        self._of_address[address] += 1
        try:
            yield
        finally:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    @contextmanager
    def page(self, *, counted: bool = True) -> Iterator[None]:
        """Counts a page with a capture token while the context is open; pages leave a quarter to enrolled devices.

        Whoever visits a page of others gets a token, and may stay connected when its session is over.

        Args:
            counted: False for an enrolled device, which is no page.

        Raises:
            ServiceProblem: `busy`, when pages have their three quarters.
        """
        if counted and self._pages >= self._most_pages:
            raise ServiceProblem("busy", "Too many pages are connected; please try again shortly.")
        self._pages += counted
        try:
            yield
        finally:
            self._pages -= counted

    @contextmanager
    def waiting(self, host: str) -> Iterator[None]:
        """Counts a connection that has not said who it is; beyond the bounds the one that waits longest is ended.

        So a device that sends `auth` at once gets in, however many connections of strangers say nothing.

        Raises:
            StreamProblem: `stream_slow`, when this one is ended.
        """
        address = address_group(host)
        own = [scope for scope, its_address in self._waiting.items() if its_address == address]
        if len(own) >= MOST_WAITING_OF_ADDRESS:
            self._displace(own[0])
        elif len(self._waiting) >= MOST_WAITING:
            self._displace(next(iter(self._waiting)))
        with anyio.CancelScope() as scope:
            self._waiting[scope] = address
            try:
                yield
            finally:
                self._waiting.pop(scope, None)
        if scope.cancelled_caught:
            raise StreamProblem("stream_slow", "No auth came, and others wait.")

    def _displace(self, scope: anyio.CancelScope) -> None:
        del self._waiting[scope]
        scope.cancel()
