"""Permits: staff grant an applicant a challenge that asks for less. Each works once, for a short time, at one place.

A permit names the options that it grants, and the device or client that may use it. Stored is an HMAC-SHA-256 of its
code under a key derived from the sealing key: a copy of the database opens nothing.
"""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import ServiceProblem
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import PERMITS
from idproof.service.storage.seal import Seal

CODE_PATTERN = r"^[0-9A-Za-z -]{10,20}$"
"""Form of a code as people may type it."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no letter looks like a digit
_READ_AS = str.maketrans("OIL", "011", " -")
_CODE_LENGTH = 10
"""50 bits: a device that tries 1,000 codes per second hits a permit of its own in 15 minutes with a chance of 1 to
1.25 thousand million (2^50 / 900,000)."""
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit without its code.

    Attributes:
        id: for the audit log.
        holder: the device or client that may use it, by `device_holder` or `client_holder`.
        options: names of the options that it grants.
        expires_at: ISO 8601 UTC.
    """

    id: str
    holder: str
    options: tuple[str, ...]
    expires_at: str


@dataclass(frozen=True, slots=True)
class PermitUse:
    """The use of a permit by somebody.

    Attributes:
        code: as it was typed.
        holder: who uses it.
        record: called with the permit and the session's id within the transaction that uses it up.
    """

    code: str
    holder: str
    record: Callable[[Permit, str], None]


def device_holder(device: str) -> str:
    """Returns the holder of a permit for one streaming device."""
    return f"device:{device}"


def client_holder(client: str) -> str:
    """Returns the holder of a permit for one client of the interface."""
    return f"client:{client}"


class Permits:
    """The permits of a database; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._mac = seal.subkey("permit")

    def grant(
        self, holder: str, options: Sequence[str], lifetime_s: float, record: Callable[[Permit], None]
    ) -> tuple[str, Permit]:
        """Makes a permit; returns its code, which cannot be read again, and the permit.

        Args:
            holder: the device or client that may use it.
            options: names of the options that it grants.
            lifetime_s: seconds until it expires.
            record: called within the transaction; if it raises, there is no permit.
        """
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        expires = time.time() + lifetime_s
        ends = datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds")
        permit = Permit(f"pmt_{secrets.token_hex(_ID_BYTES)}", holder, tuple(options), ends)
        row: dict[str, Any] = {
            "mac": self._hashed(code),
            "id": permit.id,
            "holder": holder,
            "options": json.dumps(permit.options),
        }
        row |= {"expires_ms": int(expires * 1000)}
        with self._database.write() as connection:
            connection.execute(insert(PERMITS).values(row))
            record(permit)
        return f"{code[:5]}-{code[5:]}", permit

    def use(self, connection: Connection, use: PermitUse, session_id: str, options: Options) -> Permit:
        """Uses a permit up within a transaction.

        Args:
            connection: of the transaction; it must end without a change if this raises.
            use: who uses which permit.
            session_id: the capture session that it is used for.
            options: of the applicant; the permit must grant those that reduce the challenge.

        Raises:
            ServiceProblem: `permit_invalid`, or `permit_exceeded`, after which it can still be used.
        """
        now = time.time()
        mac = self._hashed(use.code)
        valid = (PERMITS.c.mac == mac, PERMITS.c.holder == use.holder, PERMITS.c.used_ms.is_(None))
        spent = update(PERMITS).where(*valid, PERMITS.c.expires_ms > now * 1000).values(used_ms=int(now * 1000))
        if connection.execute(spent).rowcount != 1:
            raise ServiceProblem("permit_invalid", "There is no such permit here: each works once, for a short time.")
        row = connection.execute(select(PERMITS).where(PERMITS.c.mac == mac)).one()
        ends = datetime.fromtimestamp(row.expires_ms / 1000, UTC).isoformat(timespec="seconds")
        permit = Permit(row.id, row.holder, tuple(json.loads(row._mapping[PERMITS.c.options])), ends)
        if not set(options.reductions) <= set(permit.options):
            raise ServiceProblem("permit_exceeded", "The permit does not grant every option that was asked for.")
        use.record(permit, session_id)
        return permit

    def clean(self, connection: Connection) -> None:
        """Deletes permits that have expired."""
        connection.execute(delete(PERMITS).where(PERMITS.c.expires_ms < time.time() * 1000))

    def _hashed(self, code: str) -> bytes:
        return hmac.digest(self._mac, code.upper().translate(_READ_AS).encode(), "sha256")
