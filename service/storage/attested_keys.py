"""Attested keys of streaming devices: at most one per device."""

import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update

from idproof.service.attestation.statements import AttestedKey
from idproof.service.storage.engine import Database
from idproof.service.storage.schema_devices import ATTESTED_KEYS
from idproof.service.storage.seal import Seal

CHALLENGE_S = 3600
"""Seconds for which a challenge of an enrolment may be answered at least, and at most twice as long. Chosen by hand; no
outside source."""


class AttestedKeys:
    """The attested keys of a database; every method but `challenges` may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._mac = seal.subkey("attestation challenge")

    def challenges(self, kiosk: str) -> list[bytes]:
        """Returns the challenges that a device's statement may answer now, newest first; they differ per device."""
        period = int(time.time() // CHALLENGE_S)
        return [hmac.digest(self._mac, f"{kiosk}\0{each}".encode(), "sha256") for each in (period, period - 1)]

    def store(self, kiosk: str, key: AttestedKey, record: Callable[[], object]) -> None:
        """Stores a device's key in place of an earlier one.

        Args:
            kiosk: id of the device.
            key: that was attested.
            record: called within the transaction; if it raises, nothing is stored.
        """
        row = {"kiosk": kiosk, "credential": key.credential, "public_key": key.public_key, "format": key.format}
        with self._database.write() as connection:
            connection.execute(delete(ATTESTED_KEYS).where(ATTESTED_KEYS.c.kiosk == kiosk))
            now = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute(insert(ATTESTED_KEYS).values(row | {"sign_count": key.sign_count, "attested_at": now}))
            record()

    def find(self, kiosk: str) -> AttestedKey | None:
        """Returns a device's key, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(ATTESTED_KEYS).where(ATTESTED_KEYS.c.kiosk == kiosk)).first()
        return None if row is None else AttestedKey(row.credential, row.public_key, row.format, row.sign_count)

    def use(self, kiosk: str, check: Callable[[AttestedKey], int]) -> None:
        """Lets a signature be checked while no other one of the device is, and stores its count.

        Args:
            kiosk: id of the device.
            check: returns the signature's count, or raises; then nothing is stored.

        Raises:
            KeyError: the device has no attested key.
        """
        mine = ATTESTED_KEYS.c.kiosk == kiosk
        with self._database.write() as connection:
            row = connection.execute(select(ATTESTED_KEYS).where(mine).with_for_update()).first()
            if row is None:
                raise KeyError(kiosk)
            count = check(AttestedKey(row.credential, row.public_key, row.format, row.sign_count))
            connection.execute(update(ATTESTED_KEYS).where(mine).values(sign_count=count))
