"""Stored ceremonies: challenges that pages answer.

Methods that take a connection work within the caller's transaction.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import CeremonyEvent, CeremonyState, Kind, ceremony_sources
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import CEREMONIES, PASSKEYS

_CHALLENGE_BYTES = 32  # WebAuthn Level 3, section 13.4.3, asks for 16 at least
_KEPT_S = 3600.0
"""Seconds for which a ceremony stays after its time, so that refused ones count. Chosen by hand; no outside source."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One challenge.

    Attributes:
        id: `pkc_` and 26 characters.
        kind: registration or login.
        client: that asked for it.
        challenge: 256 random bits.
        origin: of the page that must answer.
        verification: of the account that must answer, or None for any.
        expires_at: ISO 8601 UTC.
        number: greater than that of each ceremony whose challenge was given out before.
    """

    id: str
    kind: Kind
    client: str
    challenge: bytes
    origin: str
    verification: str | None
    expires_at: str
    number: int


class Ceremonies:
    """Opens, takes and settles ceremonies; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, rules: PasskeyRules) -> None:
        self._database = database
        self._rules = rules

    def open(self, kind: Kind, client: str, origin: str, verification: str | None) -> Ceremony:
        """Opens a ceremony.

        Raises:
            ServiceProblem: `too_many_ceremonies`: too many of the client wait, or too many logins were refused.
        """
        now = time.time()
        expires = now + self._rules.ceremony_s
        row: dict[str, Any] = {
            "id": "pkc_" + new_id().removeprefix("ver_"),
            "kind": kind,
            "client": client,
            "state": CeremonyState.OPEN,
            "challenge": secrets.token_bytes(_CHALLENGE_BYTES),
            "origin": origin,
            "verification": verification,
            "created_ms": int(now * 1000),
            "expires_ms": int(expires * 1000),
        }
        with self._database.write() as connection:
            self._require_room(connection, client, kind, now)
            row["number"] = _next_number(connection)
            connection.execute(insert(CEREMONIES).values(row))
        ends = datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds")
        return Ceremony(row["id"], kind, client, row["challenge"], origin, verification, ends, row["number"])

    def take(self, ceremony_id: str, kind: Kind, client: str) -> Ceremony:
        """Takes an open ceremony, whose answer arrived: nobody takes it again.

        Raises:
            ServiceProblem: `ceremony_lapsed`: it is unknown, of another client or kind, answered, or out of time.
        """
        source, target = ceremony_sources(CeremonyEvent.ANSWERED)
        mine = (CEREMONIES.c.id == ceremony_id, CEREMONIES.c.client == client, CEREMONIES.c.kind == kind)
        current = (CEREMONIES.c.state == source, CEREMONIES.c.expires_ms > time.time() * 1000)
        with self._database.write() as connection:
            if connection.execute(update(CEREMONIES).where(*mine, *current).values(state=target)).rowcount != 1:
                raise ServiceProblem("ceremony_lapsed", "These options were answered before, or are too old.")
            row = connection.execute(select(CEREMONIES).where(*mine)).one()
        ends = datetime.fromtimestamp(row.expires_ms / 1000, UTC).isoformat(timespec="seconds")
        asked = (row.id, Kind(row.kind), row.client, bytes(row.challenge), row.origin, row.verification)
        return Ceremony(*asked, ends, row.number)

    def settle(self, connection: Connection, ceremony: Ceremony, event: CeremonyEvent, passkey: str | None) -> None:
        """Records the end of a taken ceremony."""
        self._move(connection, ceremony.id, event, passkey=passkey)

    def refuse(self, ceremony: Ceremony) -> None:
        """Records that a ceremony's answer was not accepted."""
        with self._database.write() as connection:
            self._move(connection, ceremony.id, CeremonyEvent.NOT_VERIFIED)

    def spend(self, connection: Connection, ceremony_id: str, client: str) -> Row[Any] | None:
        """Uses a login up for a step-up; returns its row, or None if it cannot be used."""
        mine = (CEREMONIES.c.id == ceremony_id, CEREMONIES.c.client == client, CEREMONIES.c.kind == Kind.LOGIN)
        source, target = ceremony_sources(CeremonyEvent.USED_FOR_STEP_UP)
        spent = update(CEREMONIES).where(*mine, CEREMONIES.c.state == source).values(state=target)
        if connection.execute(spent).rowcount != 1:
            return None
        return connection.execute(select(CEREMONIES).where(*mine)).first()

    def _move(self, connection: Connection, ceremony_id: str, event: CeremonyEvent, **values: Any) -> None:
        source, target = ceremony_sources(event)
        current = (CEREMONIES.c.id == ceremony_id, CEREMONIES.c.state == source)
        connection.execute(update(CEREMONIES).where(*current).values(state=target, **values))

    def _require_room(self, connection: Connection, client: str, kind: Kind, now: float) -> None:
        mine = (CEREMONIES.c.client == client, CEREMONIES.c.kind == kind)
        open_ones = (CEREMONIES.c.state == CeremonyState.OPEN, CEREMONIES.c.expires_ms > now * 1000)
        since = int((now - self._rules.failures_s) * 1000)
        refused = (CEREMONIES.c.state == CeremonyState.REFUSED, CEREMONIES.c.created_ms >= since)
        waiting, failed = (
            connection.scalar(select(func.count()).select_from(CEREMONIES).where(*mine, *which)) or 0
            for which in (open_ones, refused)
        )
        if waiting >= self._rules.waiting or failed >= self._rules.failures:
            wait = self._rules.ceremony_s if waiting >= self._rules.waiting else self._rules.failures_s
            sentence = "Too many ceremonies wait for answers, or too many were refused; try again later."
            raise ServiceProblem("too_many_ceremonies", sentence, retry_after=int(wait))


def _next_number(connection: Connection) -> int:
    """Returns the number of a new ceremony: greater than any that is stored, also where older ones were deleted.

    Two ceremonies that are opened at the same moment may share a number: neither was given out before the other.
    """
    newest = (select(func.max(column)) for column in (CEREMONIES.c.number, PASSKEYS.c.counted_number))
    return 1 + max(connection.scalar(wanted) or 0 for wanted in newest)


def clean_ceremonies(connection: Connection) -> None:
    """Deletes ceremonies whose time was over an hour ago."""
    oldest = int((time.time() - _KEPT_S) * 1000)
    connection.execute(delete(CEREMONIES).where(CEREMONIES.c.expires_ms < oldest))
