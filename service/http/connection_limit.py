"""Bounds the connections of a server process, and decides which one gives way to a new one.

A process that has no descriptor left accepts nothing for a second at a time, and opens no file and no database. So
there are fewer connections than descriptors. Beyond the bound a new connection takes the place of the oldest one that
nobody answers for: first of those that have sent no whole request head, then of requests without a valid key, then of
those that are idle between two requests. A request with a valid key never gives way.
"""

import resource
import weakref
from collections import Counter
from enum import IntEnum
from ipaddress import ip_address
from typing import Protocol

from idproof.service.operations.networks import Network, address_group

MOST = 1000
"""Connections of one server process, streams included: all but these are answered in milliseconds. Chosen by hand; no
outside source."""
MOST_OF_ADDRESS = 250
"""Of these from one address. Chosen by hand: an office behind one address has fewer."""
ACCEPTED_AT_ONCE = 128
"""Connections that the operating system hands over at once, before the bound is applied to them. Chosen by
hand; no outside source."""
_OTHER_DESCRIPTORS = 512
"""Descriptors for files, the database, the outbox and connections that are being closed (`ACCEPTED_AT_ONCE` of each of
a few rounds of the event loop). Chosen by hand; no outside source."""
_WANTED_DESCRIPTORS = 8192
"""Limit of descriptors that is asked for: several times what all connections and files need. Chosen by hand; no outside
source."""
_FEWEST = 64
"""Connections where the system allows so few descriptors that none would be left. Chosen by hand; no outside source."""


class Phase(IntEnum):
    """State of a connection, in the order in which connections give way."""

    HEAD = 0
    STRANGER = 1
    IDLE = 2
    KNOWN = 3


class Connection(Protocol):
    """A connection that can be ended."""

    def give_way(self) -> None:
        """Ends the connection."""
        ...


class ConnectionLimit:
    """The connections of one server; to be used from its event loop.

    Args:
        most: connections at once.
        most_of_address: of one address.
        proxies: networks of trusted proxies, which have no bound of their own.
    """

    def __init__(self, most: int, most_of_address: int, proxies: tuple[Network, ...] = ()) -> None:
        self._most, self._most_of_address, self._proxies = most, most_of_address, proxies
        self._phases: dict[Connection, Phase] = {}
        self._addresses: dict[Connection, str] = {}
        self._of_address: Counter[str] = Counter()
        self._by_phase: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}

    @property
    def connected(self) -> int:
        """Connections now."""
        return len(self._phases)

    def add(self, connection: Connection, host: str) -> bool:
        """Adds a connection whose request is not known yet; returns False if no other gives way to it."""
        address = address_group(host)
        if self._is_full(address, host) and not self._make_room(address):
            return False
        if self.connected >= self._most and not self._make_room(None):
            return False
        self._addresses[connection] = address
        self._of_address[address] += 1
        self._phases[connection] = Phase.HEAD
        self._by_phase[Phase.HEAD][connection] = None
        return True

    def change(self, connection: Connection, phase: Phase) -> None:
        """Notes what a connection does now; it is the newest of those that do so."""
        before = self._phases.get(connection)
        if before is not None:
            del self._by_phase[before][connection]
            self._phases[connection] = phase
            self._by_phase[phase][connection] = None

    def remove(self, connection: Connection) -> None:
        """Removes a connection that is over, or has given way."""
        phase = self._phases.pop(connection, None)
        if phase is None:
            return
        del self._by_phase[phase][connection]
        address = self._addresses.pop(connection)
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    def _is_full(self, address: str, host: str) -> bool:
        return self._of_address[address] >= self._most_of_address and not self._is_proxy(host)

    def _is_proxy(self, host: str) -> bool:
        try:
            found = ip_address(host)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)

    def _make_room(self, address: str | None) -> bool:
        """Ends the first connection that gives way, of this address or of any; returns False if none does."""
        for phase in (Phase.HEAD, Phase.STRANGER, Phase.IDLE):
            for connection in self._by_phase[phase]:
                if address is None or self._addresses[connection] == address:
                    self.remove(connection)
                    connection.give_way()
                    return True
        return False


def raise_descriptor_limit() -> int:
    """Raises the process's limit of descriptors as far as it may and needs; returns the connections that fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else max(_FEWEST, min(MOST, soft - _OTHER_DESCRIPTORS))


_limits: "weakref.WeakKeyDictionary[object, ConnectionLimit]" = weakref.WeakKeyDictionary()
_proxies: tuple[Network, ...] = ()


def trust(proxies: tuple[Network, ...]) -> None:
    """Sets the trusted proxies of the servers that this process starts."""
    global _proxies  # noqa: PLW0603 - uvicorn makes the protocols itself and passes no setting to them
    _proxies = proxies


def limit_of(server: object) -> ConnectionLimit:
    """Returns the limit of a server, which is made when its first client connects."""
    if server not in _limits:
        _limits[server] = ConnectionLimit(raise_descriptor_limit(), MOST_OF_ADDRESS, _proxies)
    return _limits[server]
