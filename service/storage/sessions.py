"""Capture sessions: one applicant's turn, what they are asked to do, and devices that failed too often.

A challenge is asked of a session, answered within `challenge_s`, and asked anew a few times at most, so that nobody
can go on asking until a recording fits. Nothing of it is kept but a nonce, a time and the options.
"""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from idproof.pipeline.liveness.challenge import LIFETIME_S, Challenge, Options, draw
from idproof.pipeline.liveness.lockout import Lockout
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import FAILURES, SESSIONS
from idproof.service.storage.seal import Seal

_NONCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class CaptureSession:
    """One applicant's turn.

    Attributes:
        id: `cs_` and 26 characters.
        nonce: 256 random bits, given back in the verdict: the answer to this session and no other.
        challenge: asked last.
        expires_at: ISO 8601 UTC.
        device: keyed hash of the device that the client named, or None.
    """

    id: str
    nonce: str
    challenge: Challenge
    expires_at: str
    device: bytes | None = None


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long and how often.

    Attributes:
        lifetime_s: that a session may be used.
        attempts: verifications that one session may begin until one gives a verdict.
        challenge_s: within which the answer to a challenge must arrive.
        challenges: that one session may ask for.
        lockout: of devices.
    """

    lifetime_s: float = 600.0
    attempts: int = 3
    challenge_s: float = LIFETIME_S
    challenges: int = 5
    lockout: Lockout = field(default_factory=Lockout)


class Sessions:
    """Opens sessions and asks challenges; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal, rules: SessionRules | None = None) -> None:
        self.rules = rules or SessionRules()
        self._database = database
        self._device_mac = seal.subkey("device")

    def open(self, client: str, options: Options | None = None, device: str | None = None) -> CaptureSession:
        """A new session with a challenge drawn from its nonce.

        Args:
            client: whose.
            options: what this applicant can do.
            device: the client's own name of the device, or None; only a keyed hash of it is kept.

        Raises:
            ServiceProblem: the device is locked.
        """
        now, nonce = datetime.now(UTC), secrets.token_bytes(_NONCE_BYTES)
        expires = now + timedelta(seconds=self.rules.lifetime_s)
        row: dict[str, Any] = {
            "id": "cs_" + new_id().removeprefix("ver_"),
            "nonce": urlsafe_b64encode(nonce).decode().rstrip("="),
            "challenge": _asked(None, now, options or Options(), 1),
            "client": client,
            "attempts": 0,
            "created_at": now.isoformat(timespec="seconds"),
            "expires_ms": int(expires.timestamp() * 1000),
            "device": None if device is None else self._device(client, device),
        }
        with self._database.write() as connection:
            self.ensure_unlocked(connection, row["device"])
            connection.execute(insert(SESSIONS).values(row))
        return self._session(row)

    def ask(self, connection: Connection, row: Row[Any], options: Options | None = None) -> Challenge:
        """Another challenge, which takes the place of the one before; raises `ServiceProblem` after too many.

        Args:
            connection: of the transaction.
            row: of the session.
            options: in place of those that the session was opened with.
        """
        told = json.loads(row.challenge)
        drawn = told.get("drawn", 1) + 1
        if drawn > self.rules.challenges:
            raise ServiceProblem("challenges_used", "The capture session has no challenges left; open another one.")
        options = options or Options.from_json(told["options"])
        asked = _asked(secrets.token_bytes(_NONCE_BYTES), datetime.now(UTC), options, drawn)
        connection.execute(update(SESSIONS).where(SESSIONS.c.id == row.id).values(challenge=asked))
        return self._challenge(asked, row.nonce)

    def row(self, connection: Connection, session_id: str, client: str) -> Row[Any]:
        """A session that may still be used, held until the transaction ends; raises `ServiceProblem`."""
        row = connection.execute(select(SESSIONS).where(SESSIONS.c.id == session_id).with_for_update()).first()
        if row is None or row.client != client:
            raise ServiceProblem("session_unknown", "There is no capture session of this id.")
        if row.expires_ms < time.time() * 1000:
            raise ServiceProblem("session_lapsed", "The capture session's time is over; open another one.")
        return row

    def of(self, row: Row[Any]) -> CaptureSession:
        """The session that a row holds."""
        return self._session(dict(row._mapping))

    def ensure_unlocked(self, connection: Connection, device: bytes | None) -> None:
        """Raise `ServiceProblem` while a device is locked."""
        if device is None:
            return
        now = time.time()
        since = int((now - self.rules.lockout.memory_s) * 1000)
        wanted = select(FAILURES.c.at_ms).where(FAILURES.c.device == device, FAILURES.c.at_ms >= since)
        found = sorted(at_ms / 1000 for at_ms in connection.execute(wanted).scalars())
        left = self.rules.lockout.remaining_s(found, now)
        if left > 0:
            raise ServiceProblem(
                "device_locked", "Too many failures on this device; try again later.", retry_after=ceil(left)
            )

    def failed(self, connection: Connection, session: CaptureSession | None) -> None:
        """Write down that the person before this session's device did not show to be alive."""
        if session is not None and session.device is not None:
            row = {"device": session.device, "at_ms": int(time.time() * 1000)}
            connection.execute(insert(FAILURES).values(row))

    def clean(self, connection: Connection, oldest: datetime) -> None:
        """Forget sessions from before then, and failures that matter no more."""
        connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_ms < int(oldest.timestamp() * 1000)))
        since = int((time.time() - self.rules.lockout.memory_s) * 1000)
        connection.execute(delete(FAILURES).where(FAILURES.c.at_ms < since))

    def _session(self, row: dict[str, Any]) -> CaptureSession:
        expires = datetime.fromtimestamp(row["expires_ms"] / 1000, UTC).isoformat(timespec="seconds")
        challenge = self._challenge(row["challenge"], row["nonce"])
        return CaptureSession(row["id"], row["nonce"], challenge, expires, row["device"])

    def _challenge(self, asked: str, nonce: str) -> Challenge:
        told = json.loads(asked)
        own = told.get("nonce")
        return draw(
            urlsafe_b64decode(nonce + "=") if own is None else bytes.fromhex(own),
            issued_at=datetime.fromisoformat(told["issued_at"]),
            options=Options.from_json(told["options"]),
            lifetime_s=self.rules.challenge_s,
        )

    def _device(self, client: str, device: str) -> bytes:
        return hmac.digest(self._device_mac, f"{client}\0{device}".encode(), "sha256")


def _asked(nonce: bytes | None, issued_at: datetime, options: Options, drawn: int) -> str:
    """What a challenge can be drawn from again; the first one's nonce is the session's."""
    told: dict[str, Any] = {"issued_at": issued_at.isoformat(), "options": options.to_json(), "drawn": drawn}
    return json.dumps(told if nonce is None else told | {"nonce": nonce.hex()})
