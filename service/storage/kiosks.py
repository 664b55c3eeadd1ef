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
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from idproof.service.storage.engine import Database
from idproof.service.storage.schema import KIOSK_COUNTS, KIOSKS
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
    """

    id: str
    name: str
    client: str
    created_at: str
    revoked_at: str | None
    state: str
    seen_at: str | None
    staff_at: str | None


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

    def count(self, kiosk: str, counts: Mapping[str, int]) -> None:
        """Adds to a device's counts."""
        with self._database.write() as connection:
            for name, count in counts.items():
                here = (KIOSK_COUNTS.c.kiosk == kiosk, KIOSK_COUNTS.c.name == name)
                more = {"count": KIOSK_COUNTS.c.count + count}
                if connection.execute(update(KIOSK_COUNTS).where(*here).values(more)).rowcount == 0:
                    connection.execute(insert(KIOSK_COUNTS).values(kiosk=kiosk, name=name, count=count))

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns the counts by device and name."""
        with self._database.read() as connection:
            rows = connection.execute(select(KIOSK_COUNTS)).all()
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(row.kiosk, {})[row.name] = row._mapping[KIOSK_COUNTS.c.count]
        return found


def _kiosk(row: Any) -> Kiosk:
    state = row.state if row.lease_ms > _ms() else "off"
    return Kiosk(row.id, row.name, row.client, row.created_at, row.revoked_at, state, row.seen_at, row.staff_at)


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
