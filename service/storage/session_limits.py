"""Limits of sessions, challenges and capture plans that nobody uses, per client and device, on every server together.

A challenge is drawn at random, so a prepared recording fits one in thousands. Whoever could open sessions at will would
open them until one fits. So sessions that wait to be used are bounded at any moment, and challenges that no living
person answered are bounded per hour. A registration whose liveness held gives its challenge back: honest clients are
bounded by how often their applicants give up, not by how many there are.

A capture plan is drawn at random, too, and is shown when its session is opened. It counts for an hour however the
session ends, since whoever looked for a plan that fits would cancel every other one.
"""

import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text

from idproof.service.errors import ServiceProblem
from idproof.service.storage.schema import ASKED, SESSIONS
from idproof.service.storage.seal import Seal

WAITING_S = 600.0
"""Seconds for which a session that nobody used counts: the usual time of a session. Chosen by hand; no outside
source."""
HOUR_S = 3600.0


class AskerKind(StrEnum):
    """Kinds of those for whom sessions are opened: a client of the interface, or a device."""

    CLIENT = "client"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody for whom sessions are opened.

    Attributes:
        kind: client or device.
        mac: keyed hash of its id.
    """

    kind: AskerKind
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one asker may leave unused.

    Attributes:
        sessions: opened within the last ten minutes, still open, and used by no verification.
        challenges: asked within the last hour, and answered by no registration whose liveness held. The same number
            bounds the plans shown within the last hour whose captures did not follow them.
    """

    sessions: int
    challenges: int


CLIENT_BOUNDS = Bounds(120, 600)
"""One core verifies 15 registrations per minute. If each takes three minutes from its session to its upload, 45
sessions wait; if three in ten applicants give up, 45 more wait for their end, and 270 challenges an hour stay
unanswered. Chosen by hand from these numbers; no outside source."""
DEVICE_BOUNDS = Bounds(40, 240)
"""A kiosk where a person comes every minute and tries three times without success opens at most 30 sessions in ten
minutes, and asks 180 challenges and sees 180 plans in an hour. Chosen by hand as a third more; no outside source."""


class SessionLimits:
    """The account of what was asked. Its methods work within the caller's transaction.

    Args:
        seal: derives the key of the keyed hashes.
        client: bounds of a client.
        device: bounds of a device.
    """

    def __init__(self, seal: Seal, client: Bounds = CLIENT_BOUNDS, device: Bounds = DEVICE_BOUNDS) -> None:
        self._mac = seal.subkey("asker")
        self._bounds = {AskerKind.CLIENT: client, AskerKind.DEVICE: device}

    def askers(self, client: str, device: bytes | None, *, enrolled: bool) -> list[Asker]:
        """Returns those for whom a session is opened.

        Args:
            client: its owner.
            device: keyed hash of the device, or None.
            enrolled: the device proved its key. Its client is then not counted: one client may own many devices. A
                device that the client only names does not replace the client, which could name a new one each time.
        """
        owner = Asker(AskerKind.CLIENT, hmac.digest(self._mac, client.encode(), "sha256"))
        named = [] if device is None else [Asker(AskerKind.DEVICE, device)]
        return named if enrolled and named else [owner, *named]

    def count_session(self, connection: Connection, session: str, askers: Iterable[Asker]) -> None:
        """Counts a session that is about to be opened.

        Raises:
            ServiceProblem: `too_many_sessions`, with the time until the next one may be opened.
        """
        now = _ms()
        since = now - int(WAITING_S * 1000)
        for asker in self._locked(connection, askers):
            waiting = (
                select(ASKED.c.at_ms)
                .join(SESSIONS, SESSIONS.c.id == ASKED.c.session)
                .where(*_of(asker, _SESSION, since), SESSIONS.c.operation.is_(None), SESSIONS.c.expires_ms > now)
                .order_by(ASKED.c.at_ms)
            )
            found = connection.execute(waiting).scalars().all()
            if len(found) >= self._bounds[asker.kind].sessions:
                raise _too_many(
                    f"Too many sessions of this {asker.kind} wait to be used; use them first.", found[0] - since
                )
            connection.execute(insert(ASKED).values(_row(asker, session, _SESSION, now)))

    def count_challenge(self, connection: Connection, session: str, askers: Iterable[Asker]) -> None:
        """Counts a challenge that is about to be asked; raises as `count_session`."""
        self._count_for_an_hour(connection, session, askers, _CHALLENGE)

    def count_plan(self, connection: Connection, session: str, askers: Iterable[Asker]) -> None:
        """Counts a capture plan that is about to be shown; raises as `count_session`."""
        self._count_for_an_hour(connection, session, askers, _PLAN)

    def _count_for_an_hour(self, connection: Connection, session: str, askers: Iterable[Asker], what: str) -> None:
        now = _ms()  # one time for all askers, by which `answered` finds their rows
        since = now - int(HOUR_S * 1000)
        for asker in self._locked(connection, askers):
            unused = select(func.count(), func.min(ASKED.c.at_ms)).where(*_of(asker, what, since))
            count, oldest = connection.execute(unused).one()
            if count >= self._bounds[asker.kind].challenges:
                raise _too_many(_TOO_MANY_IN_AN_HOUR[what].format(asker.kind), oldest - since)
            connection.execute(insert(ASKED).values(_row(asker, session, what, now)))

    def askers_of(self, connection: Connection, session: str) -> list[Asker]:
        """Returns those for whom a session was opened."""
        wanted = select(ASKED.c.kind, ASKED.c.asker).where(ASKED.c.session == session, ASKED.c.what == _SESSION)
        return [Asker(AskerKind(row.kind), row.asker) for row in connection.execute(wanted)]

    def answered(self, connection: Connection, session: str) -> None:
        """Gives back the last challenge of a session: a registration whose liveness held answered it."""
        asked = (ASKED.c.session == session, ASKED.c.what == _CHALLENGE)
        last = select(func.max(ASKED.c.at_ms)).where(*asked).scalar_subquery()
        connection.execute(delete(ASKED).where(*asked, ASKED.c.at_ms == last))

    def plan_followed(self, connection: Connection, session: str) -> None:
        """Gives back the plan of a session: the captures of its registration followed it."""
        connection.execute(delete(ASKED).where(ASKED.c.session == session, ASKED.c.what == _PLAN))

    def clean(self, connection: Connection, session_s: float) -> None:
        """Deletes what no longer counts and belongs to no session that can still ask."""
        connection.execute(delete(ASKED).where(ASKED.c.at_ms < _ms() - int(max(HOUR_S, session_s) * 1000)))

    @staticmethod
    def _locked(connection: Connection, askers: Iterable[Asker]) -> list[Asker]:
        """Returns the askers in the order in which every transaction locks them, so that it counts alone.

        In SQLite one transaction writes at a time; in PostgreSQL an advisory lock of the asker's makes others wait.
        """
        ordered = sorted(askers, key=lambda asker: asker.mac)
        if connection.dialect.name == "postgresql":
            for asker in ordered:
                lock = int.from_bytes(asker.mac[:8], "big", signed=True)
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        return ordered


_SESSION, _CHALLENGE, _PLAN = "session", "challenge", "plan"
_TOO_MANY_IN_AN_HOUR = {
    _CHALLENGE: "Too many challenges were asked by this {} and not answered within an hour.",
    _PLAN: "Too many capture plans were shown to this {} and not followed within an hour.",
}


def _of(asker: Asker, what: str, since: int) -> tuple[Any, ...]:
    return ASKED.c.asker == asker.mac, ASKED.c.what == what, ASKED.c.at_ms > since


def _row(asker: Asker, session: str, what: str, at_ms: int) -> dict[str, Any]:
    return {"asker": asker.mac, "kind": asker.kind.value, "session": session, "what": what, "at_ms": at_ms}


def _too_many(sentence: str, wait_ms: int) -> ServiceProblem:
    return ServiceProblem("too_many_sessions", sentence, retry_after=max(1, ceil(wait_ms / 1000)))


def _ms() -> int:
    return int(time.time() * 1000)
