"""Streaming devices: enrolment, one connection at a time, and counts.

A device's key is derived from the sealing key and the device's id and is not stored: a copy of the database opens no
stream. A revocation holds at once on every server.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, or_, select, update

from idproof.service.storage.engine import Database
from idproof.service.storage.schema_devices import KIOSK_COUNTS, KIOSK_DAYS, KIOSKS
from idproof.service.storage.seal import Seal

PREFIX = "idpd_"
LEASE_S = 15.0
"""Seconds of a connection's lease: a device of a killed server may connect again within this time. Chosen by hand."""
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One streaming device.

    Attributes:
        id: 16 hexadecimal digits.
        name: given by the operator.
        client: the owner of its verdicts.
        created_at, revoked_at: ISO 8601 UTC.
        state: `off`, `idle`, or the stage of its session.
        seen_at: the time of its last connection.
        staff_at: the time since which an applicant has been asking for staff.
        staff_seen_at: the time at which an operator last acknowledged a call.
        software: of the device, as it last reported it.
        camera: its camera's state, as it last reported it: JSON.
        reported_at: the time of that report.
    """

    id: str
    name: str
    client: str
    created_at: str
    revoked_at: str | None
    state: str
    seen_at: str | None
    staff_at: str | None
    staff_seen_at: str | None = None
    software: str | None = None
    camera: str | None = None
    reported_at: str | None = None

    @property
    def staff_acknowledged(self) -> bool:
        """True if the call for staff of this moment was acknowledged."""
        return self.staff_at is not None and self.staff_seen_at is not None and self.staff_seen_at >= self.staff_at


class Kiosks:
    """The streaming devices of a database; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._keys = seal.subkey("kiosk device")

    def enroll(
        self, name: str, client: str | None = None, record: Callable[[str, str], None] = lambda _device, _client: None
    ) -> str:
        """Enrols a device and returns its key, which cannot be read again.

        Args:
            name: for the operator's lists.
            client: id of the client of the interface that owns its verdicts; by default the device itself.
            record: called with the ids of device and client within the transaction; if it raises, there is no device.
        """
        kiosk = secrets.token_hex(_ID_BYTES)
        row = {"id": kiosk, "name": name, "client": client or f"kiosk:{kiosk}", "created_at": _now()}
        with self._database.write() as connection:
            connection.execute(insert(KIOSKS).values(row))
            record(kiosk, row["client"])
        return f"{PREFIX}{kiosk}_{urlsafe_b64encode(self.secret(kiosk)).decode().rstrip('=')}"

    def secret(self, kiosk: str) -> bytes:
        """Returns the 32 bytes of a device's key, also for an unknown device."""
        return hmac.digest(self._keys, kiosk.encode(), "sha256")

    def find(self, kiosk: str) -> Kiosk | None:
        """Returns a device that is not revoked, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(KIOSKS).where(KIOSKS.c.id == kiosk)).first()
        return None if row is None or row.revoked_at is not None else _kiosk(row)

    def revoke(self, kiosk: str, record: Callable[[], None] = lambda: None) -> bool:
        """Revokes a device; returns False if there is no valid one of this id.

        Args:
            kiosk: id of the device.
            record: called within the transaction; if it raises, the device stays.
        """
        mine = (KIOSKS.c.id == kiosk, KIOSKS.c.revoked_at.is_(None))
        with self._database.write() as connection:
            revoked = connection.execute(update(KIOSKS).where(*mine).values(revoked_at=_now())).rowcount == 1
            if revoked:
                record()
        return revoked

    def entries(self) -> list[Kiosk]:
        """Returns every device; one whose server died is `off`."""
        with self._database.read() as connection:
            rows = connection.execute(select(KIOSKS).order_by(KIOSKS.c.created_at)).all()
        return [_kiosk(row) for row in rows]

    def connect(self, kiosk: str, connection_id: str) -> bool:
        """Takes the one connection that a device may have; returns False while another is alive."""
        free = or_(KIOSKS.c.connection.is_(None), KIOSKS.c.lease_ms < _ms(), KIOSKS.c.connection == connection_id)
        values = {"connection": connection_id, "lease_ms": _ms(LEASE_S), "state": "idle", "seen_at": _now()}
        mine = (KIOSKS.c.id == kiosk, KIOSKS.c.revoked_at.is_(None), free)
        with self._database.write() as connection:
            return connection.execute(update(KIOSKS).where(*mine).values(values)).rowcount == 1

    def renew(self, kiosk: str, connection_id: str, values: Mapping[str, Any]) -> bool:
        """Renews the connection's lease; returns False if the device was revoked or has another connection.

        Args:
            kiosk: id of the device.
            connection_id: of the connection.
            values: columns to update, such as the state.
        """
        mine = (KIOSKS.c.id == kiosk, KIOSKS.c.connection == connection_id, KIOSKS.c.revoked_at.is_(None))
        renewed = {"lease_ms": _ms(LEASE_S), "seen_at": _now(), **values}
        with self._database.write() as connection:
            return connection.execute(update(KIOSKS).where(*mine).values(renewed)).rowcount == 1

    def disconnect(self, kiosk: str, connection_id: str) -> None:
        """Ends the connection's lease."""
        mine = (KIOSKS.c.id == kiosk, KIOSKS.c.connection == connection_id)
        values = {"connection": None, "lease_ms": 0, "state": "off", "seen_at": _now()}
        with self._database.write() as connection:
            connection.execute(update(KIOSKS).where(*mine).values(values))

    def report(self, kiosk: str, software: str, camera: str) -> None:
        """Keeps what a device reports of itself, in place of its last report."""
        values = {"software": software, "camera": camera, "reported_at": _now()}
        with self._database.write() as connection:
            connection.execute(update(KIOSKS).where(KIOSKS.c.id == kiosk).values(values))

    def acknowledge_call(self, kiosk: str) -> bool:
        """Notes that an operator has seen a device's call for staff; returns False if there is none."""
        mine = (KIOSKS.c.id == kiosk, KIOSKS.c.revoked_at.is_(None), KIOSKS.c.staff_at.is_not(None))
        with self._database.write() as connection:
            return connection.execute(update(KIOSKS).where(*mine).values(staff_seen_at=_now())).rowcount == 1

    def count(self, kiosk: str, counts: Mapping[str, int]) -> None:
        """Adds to a device's counts, and to those of today but for the hints."""
        today = datetime.now(UTC).date().isoformat()
        with self._database.write() as connection:
            for name, count in counts.items():
                _add(connection, KIOSK_COUNTS, {"kiosk": kiosk, "name": name}, count)
                if not name.startswith("hint:"):
                    _add(connection, KIOSK_DAYS, {"kiosk": kiosk, "day": today, "name": name}, count)

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns the counts by device and name."""
        with self._database.read() as connection:
            rows = connection.execute(select(KIOSK_COUNTS)).all()
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(row.kiosk, {})[row.name] = row._mapping[KIOSK_COUNTS.c.count]
        return found

    def counts_by_day(self, since: date, until: date) -> dict[tuple[str, str], dict[str, int]]:
        """Returns the counts from one day to another, both included, by device and day."""
        within = KIOSK_DAYS.c.day.between(since.isoformat(), until.isoformat())
        with self._database.read() as connection:
            rows = connection.execute(select(KIOSK_DAYS).where(within).order_by(KIOSK_DAYS.c.day)).all()
        found: dict[tuple[str, str], dict[str, int]] = {}
        for row in rows:
            found.setdefault((row.kiosk, row.day), {})[row.name] = row._mapping[KIOSK_DAYS.c.count]
        return found


def _add(connection: Connection, table: Table, key: Mapping[str, str], count: int) -> None:
    here = [table.c[name] == value for name, value in key.items()]
    more = {"count": table.c.count + count}
    if connection.execute(update(table).where(*here).values(more)).rowcount == 0:
        connection.execute(insert(table).values(**key, count=count))


def _kiosk(row: Any) -> Kiosk:
    state = row.state if row.lease_ms > _ms() else "off"
    said = (row.staff_at, row.staff_seen_at, row.software, row.camera, row.reported_at)
    return Kiosk(row.id, row.name, row.client, row.created_at, row.revoked_at, state, row.seen_at, *said)


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
