"""Capture sessions, their challenges, and the lock of devices on which liveness failed too often.

A challenge must be answered within `challenge_s`, and may be replaced a few times at most, so that nobody can
request challenges until a recording fits. Only its nonce, its time and the options are stored.
"""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from idproof.pipeline.card import plan
from idproof.pipeline.card.plan import CapturePlan
from idproof.pipeline.liveness.challenge import LIFETIME_S, Challenge, Options, draw
from idproof.pipeline.liveness.lockout import Lockout
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.storage import registration_rows
from idproof.service.storage.engine import Database
from idproof.service.storage.permits import Permits, PermitUse
from idproof.service.storage.schema import FAILURES, SESSIONS
from idproof.service.storage.seal import Seal
from idproof.service.storage.session_limits import CLIENT_BOUNDS, DEVICE_BOUNDS, Bounds, SessionLimits

_NONCE_BYTES = 32  # 256 bits cannot be guessed


@dataclass(frozen=True, slots=True)
class CaptureSession:
    """One applicant's capture session.

    Attributes:
        id: `cs_` and 26 characters.
        nonce: 256 random bits; the verdict repeats them, so it belongs to this session and no other.
        challenge: the last one that was issued.
        expires_at: ISO 8601 UTC.
        device: keyed hash of the device that the client named or that proved its key, or None.
        permitted: names of the options that staff granted.
        planned: the captures of the card must follow the plan of the nonce.
        registration: id of the registration whose attempt it is, or None.
        guardian: what the verdict says of the guardian who joined, or None.
    """

    id: str
    nonce: str
    challenge: Challenge
    expires_at: str
    device: bytes | None = None
    permitted: tuple[str, ...] = ()
    planned: bool = False
    registration: str | None = None
    guardian: Mapping[str, str] | None = None

    @property
    def plan(self) -> CapturePlan | None:
        """Poses in which the session asks for the card; None when it asks for none."""
        return plan.draw(urlsafe_b64decode(self.nonce + "=")) if self.planned else None

    @property
    def reduction_permitted(self) -> bool:
        """True if staff granted every option with which the challenge asks for less."""
        return bool(self.permitted) and set(self.challenge.options.reductions) <= set(self.permitted)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Limits of capture sessions. The defaults are those of `Settings`, chosen by hand; no outside source.

    Attributes:
        lifetime_s: seconds for which a session may be used.
        attempts: verifications that one session may begin until one leads to a verdict.
        challenge_s: seconds within which the frames for a challenge must arrive.
        challenges: that one session may issue.
        lockout: of devices.
        client: what one client may leave unused.
        device: what one device may leave unused.
    """

    lifetime_s: float = 600.0
    attempts: int = 3
    challenge_s: float = LIFETIME_S
    challenges: int = 5
    lockout: Lockout = field(default_factory=Lockout)
    client: Bounds = CLIENT_BOUNDS
    device: Bounds = DEVICE_BOUNDS


class Sessions:
    """Opens sessions and issues challenges; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal, rules: SessionRules | None = None) -> None:
        self.rules = rules or SessionRules()
        self._database = database
        # Two keys, so that a client that names an enrolled device's id over HTTP does not count for that device.
        self._named_mac, self._enrolled_mac = seal.subkey("device"), seal.subkey("enrolled device")
        self.permits = Permits(database, seal)
        self.limits = SessionLimits(seal, self.rules.client, self.rules.device)

    def open(
        self,
        client: str,
        options: Options | None = None,
        device: str | None = None,
        permit: PermitUse | None = None,
        *,
        planned: bool = False,
        enrolled: bool = False,
        registration: str | None = None,
    ) -> CaptureSession:
        """Opens a session with a challenge drawn from its nonce.

        Args:
            client: its owner.
            options: of the applicant.
            device: the client's own name of the device, or None; only a keyed hash of it is stored.
            permit: of staff, to be used up with this session, or None.
            planned: the captures of the card must follow the plan of the nonce.
            enrolled: the device proved its key. It is asked another challenge when its applicant is ready, so the one
                drawn here does not count as asked.
            registration: id of the registration whose attempt it is, or None.

        Raises:
            ServiceProblem: the device is locked, too many sessions, challenges or plans are left unused, the permit
                cannot be used for these options, or the registration takes no captures.
        """
        now, nonce = datetime.now(UTC), secrets.token_bytes(_NONCE_BYTES)
        expires = now + timedelta(seconds=self.rules.lifetime_s)
        row: dict[str, Any] = {
            "id": "cs_" + new_id().removeprefix("ver_"),
            "nonce": urlsafe_b64encode(nonce).decode().rstrip("="),
            "challenge": _recipe(None, now, options or Options(), 1, planned=planned),
            "client": client,
            "attempts": 0,
            "created_at": now.isoformat(timespec="seconds"),
            "expires_ms": int(expires.timestamp() * 1000),
            "device": None if device is None else self._device(client, device, enrolled=enrolled),
            "registration": registration,
        }
        with self._database.write() as connection:
            if registration is not None:
                row_of = registration_rows.find(connection, registration, client)
                registration_rows.require_captures(connection, row_of, client)
            self.ensure_unlocked(connection, row["device"])
            askers = self.limits.askers(client, row["device"], enrolled=enrolled)
            self.limits.count_session(connection, row["id"], askers)
            if not enrolled:
                self.limits.count_challenge(connection, row["id"], askers)
            if planned:
                self.limits.count_plan(connection, row["id"], askers)
            if permit is not None:
                granted = self.permits.use(connection, permit, row["id"], options or Options()).options
                row["challenge"] = _with_permitted(row["challenge"], granted)
            connection.execute(insert(SESSIONS).values(row))
        return self._session(row)

    def permit(self, connection: Connection, row: Row[Any], permit: PermitUse, options: Options) -> None:
        """Uses up a permit for an open session; raises `ServiceProblem` if it cannot be used for these options."""
        granted = self.permits.use(connection, permit, row.id, options).options
        challenge = _with_permitted(row.challenge, granted)
        connection.execute(update(SESSIONS).where(SESSIONS.c.id == row.id).values(challenge=challenge))

    @staticmethod
    def join(connection: Connection, row: Row[Any], guardian: Mapping[str, str]) -> None:
        """Notes the guardian who joined an open session, in place of an earlier one."""
        joined = update(SESSIONS).where(SESSIONS.c.id == row.id)
        connection.execute(joined.values(guardian=json.dumps(dict(guardian))))

    def ask(self, connection: Connection, row: Row[Any], options: Options | None = None) -> Challenge:
        """Issues another challenge, which replaces the previous one; raises `ServiceProblem` after too many.

        Args:
            connection: of the transaction.
            row: of the session.
            options: replace those of the session.
        """
        stored = json.loads(row.challenge)
        drawn = stored.get("drawn", 1) + 1
        if drawn > self.rules.challenges:
            raise ServiceProblem("challenges_used", "The capture session has no challenges left; open another one.")
        self.limits.count_challenge(connection, row.id, self.limits.askers_of(connection, row.id))
        options = options or Options.from_json(stored["options"])
        nonce = secrets.token_bytes(_NONCE_BYTES)
        asked = _recipe(nonce, datetime.now(UTC), options, drawn, planned=stored.get("planned", False))
        asked = _with_permitted(asked, stored.get("permitted", ()))
        connection.execute(update(SESSIONS).where(SESSIONS.c.id == row.id).values(challenge=asked))
        return self._challenge(asked, row.nonce)

    def end(self, session_id: str) -> None:
        """Ends a session that its applicant stopped: from here on it is refused as `session_lapsed`."""
        with self._database.write() as connection:
            connection.execute(update(SESSIONS).where(SESSIONS.c.id == session_id).values(expires_ms=0))

    def row(self, connection: Connection, session_id: str, client: str) -> Row[Any]:
        """Returns the row of an open session, locked until the transaction ends; raises `ServiceProblem` if none."""
        row = connection.execute(select(SESSIONS).where(SESSIONS.c.id == session_id).with_for_update()).first()
        if row is None or row.client != client:
            raise ServiceProblem("session_unknown", "There is no capture session of this id.")
        if row.expires_ms < time.time() * 1000:
            raise ServiceProblem("session_lapsed", "The capture session's time is over; open another one.")
        return row

    def of(self, row: Row[Any]) -> CaptureSession:
        """Returns the session of a row."""
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

    def require_unlocked(self, client: str, device: str) -> None:
        """Raises `ServiceProblem` `device_locked` while an enrolled device is locked."""
        with self._database.read() as connection:
            self.ensure_unlocked(connection, self._device(client, device, enrolled=True))

    def failed(self, connection: Connection, session: CaptureSession | None) -> None:
        """Records a failed liveness check on the session's device."""
        if session is not None and session.device is not None:
            row = {"device": session.device, "at_ms": int(time.time() * 1000)}
            connection.execute(insert(FAILURES).values(row))

    def clean(self, connection: Connection, oldest: datetime) -> None:
        """Deletes sessions that expired before `oldest`, and failures and askings that no longer count."""
        self.limits.clean(connection, self.rules.lifetime_s)
        connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_ms < int(oldest.timestamp() * 1000)))
        since = int((time.time() - self.rules.lockout.memory_s) * 1000)
        connection.execute(delete(FAILURES).where(FAILURES.c.at_ms < since))

    def _session(self, row: dict[str, Any]) -> CaptureSession:
        expires = datetime.fromtimestamp(row["expires_ms"] / 1000, UTC).isoformat(timespec="seconds")
        challenge = self._challenge(row["challenge"], row["nonce"])
        stored = json.loads(row["challenge"])
        permitted, planned = tuple(stored.get("permitted", ())), stored.get("planned", False)
        joined = row.get("guardian")
        guardian = None if joined is None else json.loads(joined)
        about = (row["device"], permitted, planned, row["registration"], guardian)
        return CaptureSession(row["id"], row["nonce"], challenge, expires, *about)

    def _challenge(self, asked: str, nonce: str) -> Challenge:
        stored = json.loads(asked)
        own = stored.get("nonce")
        return draw(
            urlsafe_b64decode(nonce + "=") if own is None else bytes.fromhex(own),
            issued_at=datetime.fromisoformat(stored["issued_at"]),
            options=Options.from_json(stored["options"]),
            lifetime_s=self.rules.challenge_s,
        )

    def _device(self, client: str, device: str, *, enrolled: bool) -> bytes:
        key = self._enrolled_mac if enrolled else self._named_mac
        return hmac.digest(key, f"{client}\0{device}".encode(), "sha256")


def _recipe(nonce: bytes | None, issued_at: datetime, options: Options, drawn: int, *, planned: bool) -> str:
    """Returns what a challenge is drawn from again, as JSON; the first challenge uses the session's nonce."""
    recipe: dict[str, Any] = {
        "issued_at": issued_at.isoformat(),
        "options": options.to_json(),
        "drawn": drawn,
        "planned": planned,
    }
    return json.dumps(recipe if nonce is None else recipe | {"nonce": nonce.hex()})


def _with_permitted(recipe: str, options: Iterable[str]) -> str:
    """Returns a recipe with options that staff granted, beside those that it has."""
    stored = json.loads(recipe)
    return json.dumps(stored | {"permitted": sorted({*stored.get("permitted", ()), *options})})
