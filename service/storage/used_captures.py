"""Captures that were used: the same bytes answer in one registration, whoever sends them and in whichever session.

Stored of each capture and frame is an HMAC-SHA-256 of its exact bytes for a limited time, and the registration that
used it. No hash of what the picture shows is kept: that would be biometric, and another encoding of the same picture
is not recognised. The key changes every day and is derived from the sealing key: a copy of the database cannot be
tested against a picture, and rows of different days cannot be compared with each other.
"""

import hmac
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from idproof.service.storage.schema import OPERATIONS, STATE_RUNNING, USED_CAPTURES
from idproof.service.storage.seal import Seal

T = TypeVar("T")

REMEMBERED_H = 72.0
"""Hours, by default: a weekend and a working day, so that what was used on a Friday evening is known until Monday
evening. Chosen by hand; no outside source."""
_DAY_S = 86_400
_MARGIN_S = 60.0
"""Seconds around a change of the key within which a row is stored under both keys. A transaction ends sooner (see
`engine`), and clocks of servers differ by less."""
_MACS_PER_STATEMENT = 500  # SQLite allows 999 parameters in its older versions (SQLITE_MAX_VARIABLE_NUMBER)
NOBODY = ""
"""Owner of captures whose verdict was erased: they stay used, and nothing leads from them to a registration."""


class UsedCaptures:
    """Account of the captures that were used. Its methods work within the caller's transaction.

    Args:
        seal: derives the keys.
        remembered_h: hours for which a capture counts as used; 0 keeps no account.
    """

    def __init__(self, seal: Seal, remembered_h: float = REMEMBERED_H) -> None:
        self._seal = seal
        self._remembered_s = remembered_h * 3600
        self.content_key = seal.subkey("captures used")

    @property
    def kept(self) -> bool:
        """True if an account is kept."""
        return self._remembered_s > 0

    def take(self, connection: Connection, operation: str, contents: Iterable[bytes]) -> int:
        """Records captures as used by a registration; returns the number of those that another one used before.

        Two registrations that take the same capture at once wait for each other: the second one finds it used.

        Args:
            connection: of a transaction that writes.
            operation: the registration.
            contents: HMAC-SHA-256 of each capture's bytes under `content_key`.
        """
        now = time.time()
        contents = set(contents)
        written, asked = self._written_days(now), self._asked_days(now)
        by_mac = {mac: content for day in asked for content, mac in self._macs(day, contents)}
        # Sorted, so that two transactions never wait for each other crosswise.
        new = sorted(mac for day in written for _, mac in self._macs(day, contents))
        expires_ms = int((now + self._remembered_s) * 1000)
        rows = [{"mac": mac, "operation": operation, "expires_ms": expires_ms} for mac in new]
        if rows:
            connection.execute(_insert_unless_there(connection), rows)
        return len({by_mac[mac] for mac in self._of_others(connection, operation, sorted(by_mac))})

    def hold(self, connection: Connection, operation: str, contents: Iterable[bytes]) -> None:
        """Keeps captures used for a registration that has its verdict, also those that another one took before it.

        A registration that is under way may yet fail and release what it took, so this one takes that over.

        Args:
            connection: of the transaction that stores the verdict.
            operation: the registration.
            contents: as for `take`.
        """
        contents = set(contents)
        macs = sorted(mac for day in self._asked_days(time.time()) for _, mac in self._macs(day, contents))
        under_way = self._lock_under_way(connection, self._owners(connection, operation, macs))
        self.take(connection, operation, contents)
        for some in _pieces(macs):
            theirs = (USED_CAPTURES.c.mac.in_(some), USED_CAPTURES.c.operation.in_(under_way))
            connection.execute(update(USED_CAPTURES).where(*theirs).values(operation=operation))

    def hand_over(self, connection: Connection, earlier: str, operation: str) -> None:
        """Gives the captures of an earlier attempt to a later attempt of the same registration."""
        mine = USED_CAPTURES.c.operation == earlier
        connection.execute(update(USED_CAPTURES).where(mine).values(operation=operation))

    def release(self, connection: Connection, operation: str) -> None:
        """Forgets the captures of a registration that ended without a verdict: they answered nothing."""
        connection.execute(delete(USED_CAPTURES).where(USED_CAPTURES.c.operation == operation))

    def disown(self, connection: Connection, operations: Sequence[str]) -> None:
        """Removes what leads from used captures to registrations that are erased."""
        theirs = USED_CAPTURES.c.operation.in_(operations)
        connection.execute(update(USED_CAPTURES).where(theirs).values(operation=NOBODY))

    def clean(self, connection: Connection) -> None:
        """Deletes what is no longer to be remembered."""
        connection.execute(delete(USED_CAPTURES).where(USED_CAPTURES.c.expires_ms < time.time() * 1000))

    def _macs(self, day: int, contents: set[bytes]) -> list[tuple[bytes, bytes]]:
        key = self._seal.subkey(f"captures used on day {day}")
        return [(content, hmac.digest(key, content, "sha256")) for content in contents]

    def _asked_days(self, now: float) -> set[int]:
        """Returns the days under whose keys a capture may be stored.

        Tomorrow is one of them: a server whose clock was ahead and has been set right wrote under its key.
        """
        return self._written_days(now) | set(range(_day(now - self._remembered_s), _day(now + _DAY_S) + 1))

    @staticmethod
    def _written_days(now: float) -> set[int]:
        """Returns the days under whose keys a capture is stored now."""
        return {_day(now - _MARGIN_S), _day(now), _day(now + _MARGIN_S)}

    @staticmethod
    def _of_others(connection: Connection, operation: str, macs: Sequence[bytes]) -> list[bytes]:
        found: list[bytes] = []
        for some in _pieces(macs):
            others = (USED_CAPTURES.c.mac.in_(some), USED_CAPTURES.c.operation != operation)
            found += connection.execute(select(USED_CAPTURES.c.mac).where(*others)).scalars()
        return found

    @staticmethod
    def _owners(connection: Connection, operation: str, macs: Sequence[bytes]) -> set[str]:
        """Returns the other registrations that hold captures."""
        found: set[str] = set()
        for some in _pieces(macs):
            others = (USED_CAPTURES.c.mac.in_(some), USED_CAPTURES.c.operation != operation)
            found |= set(connection.execute(select(USED_CAPTURES.c.operation).where(*others)).scalars())
        return found

    @staticmethod
    def _lock_under_way(connection: Connection, operations: Iterable[str]) -> list[str]:
        """Returns those registrations that have not ended, and keeps them from it until this transaction ends."""
        found: list[str] = []
        for some in _pieces(sorted(operations)):
            running = (OPERATIONS.c.id.in_(some), OPERATIONS.c.state == STATE_RUNNING)
            wanted = select(OPERATIONS.c.id).where(*running).order_by(OPERATIONS.c.id).with_for_update()
            found += connection.execute(wanted).scalars()
        return found


def _pieces(values: Sequence[T]) -> list[Sequence[T]]:
    return [values[start : start + _MACS_PER_STATEMENT] for start in range(0, len(values), _MACS_PER_STATEMENT)]


def _day(at: float) -> int:
    return int(at // _DAY_S)


def _insert_unless_there(connection: Connection) -> Any:
    insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    return insert(USED_CAPTURES).on_conflict_do_nothing()
