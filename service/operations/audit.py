"""Audit log of the service, in which every change is found: hash-chained, append-only, free of personal data.

Each line of `audit.jsonl` holds a number, a time, an event, the hash of the line before, and its own hash. The head
holds the number of lines and the hash of the last one. It is signed with the service's key and lies with the keys,
apart from the log: without it a log that was cut off would look complete. Two changes are not found: an older log put
back together with its head, and a log rewritten by somebody who has the signing key. Against both, keep a copy of the
head elsewhere (`idproof audit head`) and check with it (`idproof audit check --head FILE`).
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

EVENTS = (
    "verified",
    "erased",
    "expired",
    "recovered",
    "clients_merged",
    "key_revoked",
    "permit_granted",
    "permit_used",
    "sealing_key_rotated",
    "rows_resealed",
    "device_attested",
    "capture_token_issued",
    "capture_token_used",
    "capture_token_revoked",
    "capture_handed_off",
    "passkey_bound",
    "passkey_suspended",
    "passkey_revoked",
    "passkey_erased",
    "credential_offered",
    "credential_issued",
    "credential_revoked",
    "step_up_decided",
    "step_up_used",
    "face_template_protected",
    "face_template_bound",
    "face_template_opened",
    "face_template_destroyed",
    "presentation_asked",
    "presentation_answered",
    "presentation_given",
    "presentation_erased",
    "registration_opened",
    "registration_moved",
    "registration_erased",
    "redelivered",
    "guardian_joined",
    "counter_ticket_made",
    "counter_ticket_revoked",
    "counter_opened",
    "counter_decided",
    "counter_code_wrong",
    "client_created",
    "api_key_created",
    "api_key_revoked",
    "signing_key_rotated",
    "device_enrolled",
    "device_revoked",
    "verdict_read",
    "verdicts_listed",
    "reviewer_enrolled",
    "reviewer_confirmed",
    "reviewer_revoked",
    "review_claimed",
    "review_released",
    "review_read",
    "review_proposed",
    "review_decided",
    "review_pictures_kept",
    "review_pictures_taken",
    "review_pictures_destroyed",
)
_GENESIS = "0" * 64
_TYPE = "audit-head+jwt"
_OWNER_ONLY = 0o600
_LONGEST_LINE = 65_536
"""Bytes from the end of the log in which its last line is looked for: ids, codes and counts take a few hundred."""


@dataclass(frozen=True, slots=True)
class Head:
    """Number of lines of a log, and the hash of the last one."""

    count: int = 0
    digest: str = _GENESIS


class AuditLog:
    """Appends events. Safe to use from several threads and processes.

    Args:
        log: file of events.
        head: file of the signed head.
        keys: sign and check the head.
    """

    def __init__(self, log: Path, head: Path, keys: Keys | KeyRing) -> None:
        self._log = log
        self._head = head
        self._key_source = keys

    @property
    def _keys(self) -> Keys:
        return self._key_source.current if isinstance(self._key_source, KeyRing) else self._key_source

    @classmethod
    def open(cls, settings: Settings, keys: Keys | KeyRing) -> "AuditLog":
        """Opens and checks the log; one event that a crash left beyond the head is accepted, and noted as recovered.

        The same is done before the next event, for other processes that go on.

        Raises:
            AuditBroken: the log was changed; the service must not start with it.
        """
        head_file = settings.audit_head
        audit = cls(settings.audit_log, head_file, keys)
        with audit._locked():
            if not head_file.exists() and not audit._lines():
                audit._write_head(Head())
            head, last = audit._read_head(), audit._last_head()
            if last.count == head.count + 1 and audit._contains(head):
                audit._write_head(last)
                audit._append("recovered", {})
            else:
                _require_same(head, last)
        return audit

    def append(self, event: str, **about: Any) -> None:
        """Writes one event to disk before it returns; raises `AuditBroken`.

        Args:
            event: one of `EVENTS`.
            about: ids, decisions and counts; nothing about a person.
        """
        with self._locked():
            self._append(event, about)

    def check(self, earlier_head: str | None = None) -> Head:
        """Reads the whole log and returns its head.

        Args:
            earlier_head: a signed head that was kept elsewhere; the log must still contain it.

        Raises:
            AuditBroken: the log was changed; names the first line that was.
        """
        with self._locked():
            head, last = self._read_head(), self._last_head()
            _require_same(head, last)
            if earlier_head is not None and not self._contains(self._open_head(earlier_head)):
                raise AuditBroken("The audit log does not contain the head that was kept: it was replaced.")
            return head

    def entries(self) -> list[dict[str, Any]]:
        """Returns every entry, oldest first, after the whole log was checked; raises `AuditBroken`."""
        with self._locked():
            _require_same(self._read_head(), self._last_head())
            return [json.loads(line) for line in self._lines()]

    def signed_head(self) -> str:
        """Returns the signed head, for a copy elsewhere."""
        with self._locked():
            return self._sign_head(self._read_head())

    def renew_signature(self) -> None:
        """Signs the head with the current key, before the key that signed it is revoked; raises `AuditBroken`."""
        with self._locked():
            self._write_head(self._read_head())

    def _append(self, event: str, about: dict[str, Any]) -> None:
        if event not in EVENTS:
            raise ValueError("not an event of the audit log")
        head = self._read_head()
        beyond = self._line_beyond(head)
        if beyond is not None:  # another process was killed before it signed the head
            self._write_head(beyond)
            self._append("recovered", {})
            head = self._read_head()
        entry = {"n": head.count + 1, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        entry |= {"about": about, "previous": head.digest}
        digest = _digest(entry)
        line = json.dumps(entry | {"hash": digest}, separators=(",", ":")).encode() + b"\n"
        _write(self._log, line, os.O_APPEND)
        self._write_head(Head(head.count + 1, digest))

    def _line_beyond(self, head: Head) -> Head | None:
        """Returns the head of a log that has one whole line more than its signed head; None for any other."""
        if not self._log.exists():
            return None
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LONGEST_LINE))
            end = log.read()
        if not end.endswith(b"\n"):
            return None
        try:
            entry = json.loads(end.splitlines()[-1])
            claimed = str(entry.pop("hash"))
            fits = entry["n"] == head.count + 1 and entry["previous"] == head.digest and _digest(entry) == claimed
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
        return Head(head.count + 1, claimed) if fits else None

    def _last_head(self) -> Head:
        """Follows the chain to its end; raises `AuditBroken` at the first line that does not fit."""
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

    def _contains(self, head: Head) -> bool:
        return head == Head() or any(head_there == head for head_there in self._heads())

    def _read_head(self) -> Head:
        if not self._head.exists() and not self._log.exists():
            raise AuditBroken("There is no audit log in this data folder yet.")
        if not self._head.exists():
            raise AuditBroken(f"The audit log's head, {self._head.name}, is gone; put it back.")
        return self._open_head(self._head.read_text())

    def _open_head(self, token: str) -> Head:
        try:
            opened = jws.deserialize_compact(token.strip(), self._keys.verifying, algorithms=ACCEPTED)
            claims = json.loads(opened.payload)
            head = Head(int(claims["count"]), str(claims["hash"]))
        except (JoseError, ValueError, KeyError, TypeError):
            raise AuditBroken("The signature of the audit log's head does not hold.") from None
        if opened.headers().get("typ") != _TYPE:
            raise AuditBroken("What should be the audit log's head is something else that was signed.")
        return head

    def _sign_head(self, head: Head) -> str:
        header = {"alg": ALGORITHM, "kid": self._keys.signing.kid, "typ": _TYPE}
        claims = json.dumps({"count": head.count, "hash": head.digest})
        return jws.serialize_compact(header, claims, self._keys.signing, algorithms=ACCEPTED)

    def _write_head(self, head: Head) -> None:
        fresh = self._head.with_suffix(".new")
        _write(fresh, self._sign_head(head).encode(), os.O_TRUNC)
        fresh.replace(self._head)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._head.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditBroken(f"The audit log cannot be used: {error.strerror}.") from None


def _require_same(head: Head, last: Head) -> None:
    if last.count < head.count:
        raise AuditBroken(f"The audit log was cut off: it has {last.count} lines, its signed head says {head.count}.")
    if last != head:
        raise AuditBroken(f"The audit log has lines that its signed head ({head.count} lines) does not vouch for.")


def _digest(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def _write(path: Path, data: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, _OWNER_ONLY)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
