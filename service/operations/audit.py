"""What the service did, in a log that shows every change: hash-chained, append-only, free of personal data.

Each line of `audit.jsonl` holds a number, a time, an event, the hash of the line before and its own. The head, how many
lines there are and the last one's hash, is signed with the service's key and lies with the keys, apart from the log:
without it nobody could tell a shorter log from a whole one. What this cannot find: somebody who puts back an older log
together with the head of that time, or who has the signing key. Against both, keep a copy of the head elsewhere
(`idproof audit head`) and check with it (`idproof audit check --head FILE`).
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from idproof.service.errors import AuditBroken
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import ACCEPTED, ALGORITHM
from idproof.service.signing.keys import KeyRing, Keys

EVENTS = ("verified", "erased", "expired", "recovered")
_GENESIS = "0" * 64
_TYPE = "audit-head+jwt"
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log goes: lines, and the last one's hash."""

    count: int = 0
    digest: str = _GENESIS


class AuditLog:
    """Appends events; safe from several threads and processes.

    Args:
        log: the file of events.
        head: the file of the signed head.
        keys: sign and check the head.
    """

    def __init__(self, log: Path, head: Path, keys: Keys | KeyRing) -> None:
        self._log = log
        self._head = head
        self._ring = keys

    @property
    def _keys(self) -> Keys:
        return self._ring.current if isinstance(self._ring, KeyRing) else self._ring

    @classmethod
    def open(cls, settings: Settings, keys: Keys | KeyRing) -> "AuditLog":
        """The log of this service, checked; one event that a crash left beyond the head is taken in.

        Raises:
            AuditBroken: nothing is served on top of a log that was tampered with.
        """
        head_file = settings.audit_head
        audit = cls(settings.audit_log, head_file, keys)
        with audit._locked():
            if not head_file.exists() and not audit._lines():
                audit._write_head(Head())
            head, last = audit._read_head(), audit._walk()
            if last.count == head.count + 1 and audit._passes(head):
                audit._write_head(last)
                audit._append("recovered", {})
            else:
                _same(head, last)
        return audit

    def append(self, event: str, **about: Any) -> None:
        """Write one event down for good before it returns; raises `AuditBroken`.

        Args:
            event: one of `EVENTS`.
            about: ids, decisions and counts, never anything about a person.
        """
        with self._locked():
            self._append(event, about)

    def check(self, kept: str | None = None) -> Head:
        """Read the whole log.

        Args:
            kept: an older signed head from elsewhere, which the log must still contain.

        Raises:
            AuditBroken: with the number of the first line that is not as it was written.
        """
        with self._locked():
            head, last = self._read_head(), self._walk()
            _same(head, last)
            if kept is not None and not self._passes(self._opened(kept)):
                raise AuditBroken("The audit log does not contain the head that was kept: it was replaced.")
            return head

    def signed_head(self) -> str:
        """The signed head, to be kept elsewhere."""
        with self._locked():
            return self._signed(self._read_head())

    def _append(self, event: str, about: dict[str, Any]) -> None:
        if event not in EVENTS:
            raise ValueError("not an event of the audit log")
        head = self._read_head()
        entry = {"n": head.count + 1, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        entry |= {"about": about, "previous": head.digest}
        digest = _digest(entry)
        line = json.dumps(entry | {"hash": digest}, separators=(",", ":")).encode() + b"\n"
        _write(self._log, line, os.O_APPEND)
        self._write_head(Head(head.count + 1, digest))

    def _walk(self) -> Head:
        """Follow the chain to its end; raises `AuditBroken` at the first line that does not fit."""
        return max(self._heads(), key=lambda head: head.count, default=Head())

    def _heads(self) -> Iterator[Head]:
        digest = _GENESIS
        for number, line in enumerate(self._lines(), start=1):
            try:
                entry = json.loads(line)
                claimed = entry.pop("hash")
                fits = entry["n"] == number and entry["previous"] == digest and _digest(entry) == claimed
            except (ValueError, KeyError, TypeError, AttributeError):
                fits = False
            if not fits:
                raise AuditBroken(f"Line {number} of the audit log is not as it was written, or one before it is gone.")
            digest = claimed
            yield Head(number, digest)

    def _lines(self) -> list[bytes]:
        if not self._log.exists():
            return []
        data = self._log.read_bytes()
        if data and not data.endswith(b"\n"):
            raise AuditBroken("The last line of the audit log is cut off.")
        return data.splitlines()

    def _passes(self, head: Head) -> bool:
        return head == Head() or any(passed == head for passed in self._heads())

    def _read_head(self) -> Head:
        if not self._head.exists():
            raise AuditBroken(f"The audit log's head, {self._head.name}, is gone; put it back.")
        return self._opened(self._head.read_text())

    def _opened(self, token: str) -> Head:
        try:
            opened = jws.deserialize_compact(token.strip(), self._keys.verifying, algorithms=ACCEPTED)
            claims = json.loads(opened.payload)
            head = Head(int(claims["count"]), str(claims["hash"]))
        except (JoseError, ValueError, KeyError, TypeError):
            raise AuditBroken("The signature of the audit log's head does not hold.") from None
        if opened.headers().get("typ") != _TYPE:
            raise AuditBroken("What should be the audit log's head is something else that was signed.")
        return head

    def _signed(self, head: Head) -> str:
        header = {"alg": ALGORITHM, "kid": self._keys.signing.kid, "typ": _TYPE}
        claims = json.dumps({"count": head.count, "hash": head.digest})
        return jws.serialize_compact(header, claims, self._keys.signing, algorithms=ACCEPTED)

    def _write_head(self, head: Head) -> None:
        fresh = self._head.with_suffix(".new")
        _write(fresh, self._signed(head).encode(), os.O_TRUNC)
        fresh.replace(self._head)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._head.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, _MODE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditBroken(f"The audit log cannot be used: {error.strerror}.") from None


def _same(head: Head, last: Head) -> None:
    if last.count < head.count:
        raise AuditBroken(f"The audit log was cut off: it has {last.count} lines, its signed head says {head.count}.")
    if last != head:
        raise AuditBroken(f"The audit log has lines that its signed head ({head.count} lines) does not vouch for.")


def _digest(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def _write(path: Path, data: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, _MODE)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
