"""Sealed copies of pictures that wait for a reviewer: in this process's memory, for minutes, and bounded in bytes."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import structlog

from idproof.pipeline.errors import IdproofError
from idproof.pipeline.types import DeletionReceipt
from idproof.pipeline.vault import MECHANISM, VaultSession, guards
from idproof.pipeline.vault.sealed_copies import Recipient, SealedCopies, TakenCopies
from idproof.service.errors import log_error
from idproof.service.operations.audit import AuditLog

_MOST_RECEIPTS = 10_000
"""Receipts of destroyed copies that are kept for statements, a few hundred bytes each. Chosen by hand."""
_MIB = 1024 * 1024
log = structlog.get_logger("idproof")


class Cause(StrEnum):
    """Cause of the destruction of sealed copies."""

    VIEWED = "viewed"
    TIME_OVER = "time_over"
    DECIDED = "decided"
    NOT_REVIEWED = "not_reviewed"
    ERASED = "erased"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PictureRules:
    """Limits of sealed pictures. The defaults are those of `Settings`, chosen by hand; no outside source.

    Attributes:
        lifetime_s: seconds after which they are destroyed unseen.
        most_bytes: of all that wait; what comes on top is not kept.
        views: reviewers who may be given them, each once.
    """

    lifetime_s: float = 900.0
    most_bytes: int = 256 * _MIB
    views: int = 1


@dataclass(slots=True)
class _Held:
    """Copies, when they end, and whether a review was opened for them."""

    copies: SealedCopies
    ends_at: float
    timer: threading.Timer
    expected: bool = False


class HeldPictures:
    """The sealed pictures of one server process, by the verification that they belong to. Safe on several threads.

    Args:
        audit: gets a line when copies are kept, taken and destroyed.
        recipients: returns the reviewers who may open new copies.
        rules: limits.
    """

    def __init__(
        self, audit: AuditLog, recipients: Callable[[], Sequence[Recipient]], rules: PictureRules | None = None
    ) -> None:
        self._rules = rules or PictureRules()
        self._audit = audit
        self._recipients = recipients
        self._held: dict[str, _Held] = {}
        self._receipts: dict[str, DeletionReceipt] = {}
        self._lock = threading.Lock()

    def keep(self, verification: str, session: VaultSession) -> int:
        """Seals the captures of a session that is about to be wiped; returns the number of copies that now exist.

        Without a reviewer who has a key, over the limit of bytes, or when the audit log cannot be written, none are
        made: the registration is reviewed without pictures.

        Args:
            verification: that they belong to.
            session: holds the captures.
        """
        try:
            recipients = self._recipients()
            if not recipients:
                return 0
            copies = SealedCopies.seal(session, recipients, verification, self._rules.views)
        except Exception as error:  # noqa: BLE001 - a review without pictures is better than a verification that fails
            log_error(error)
            return 0
        if not self._hold(verification, copies):
            copies.destroy()
            log.warning("review pictures not kept", id=verification, cause="limit")
            return 0
        try:
            about = {"recipients": [each.id for each in recipients], "seconds": self._rules.lifetime_s}
            self._audit.append("review_pictures_kept", id=verification, **about)
        except IdproofError as error:
            log_error(error)
            self.destroy(verification, Cause.STOPPED)
            return 0
        return copies.count

    def expect(self, verification: str) -> None:
        """Notes that a review was opened for the copies of a verification."""
        with self._lock:
            if verification in self._held:
                self._held[verification].expected = True

    def destroy_unexpected(self, verification: str) -> None:
        """Destroys the copies of a verification that led to no review."""
        with self._lock:
            held = self._held.get(verification)
        if held is not None and not held.expected:
            self.destroy(verification, Cause.NOT_REVIEWED)

    def until(self, verification: str) -> str | None:
        """Returns when the copies of a verification will be destroyed, ISO 8601 UTC; None if there are none here."""
        with self._lock:
            held = self._held.get(verification)
        if held is None:
            return None
        left = held.ends_at - time.monotonic()
        return datetime.fromtimestamp(time.time() + left, UTC).isoformat(timespec="seconds")

    def count(self, verification: str) -> int:
        """Returns the number of pictures of a verification that wait here."""
        with self._lock:
            held = self._held.get(verification)
        return 0 if held is None else held.copies.count

    def waits_for(self, verification: str, reviewer: str) -> bool:
        """Returns whether a reviewer can still be given the copies."""
        with self._lock:
            held = self._held.get(verification)
        return held is not None and held.copies.is_for(reviewer)

    def take(self, verification: str, reviewer: str, by: str) -> TakenCopies | None:
        """Returns the copies for one reviewer, once; after the last view they are destroyed.

        Args:
            verification: that they belong to.
            reviewer: id of the enrolment.
            by: client, for the audit log.

        Raises:
            AuditBroken: nothing is given.
        """
        if not self.waits_for(verification, reviewer):
            return None
        self._audit.append("review_pictures_taken", id=verification, reviewer=reviewer, by=by)
        with self._lock:
            held = self._held.get(verification)
        taken = None if held is None else held.copies.take(reviewer)
        if held is not None and held.copies.destroyed:
            self.destroy(verification, Cause.VIEWED)
        return taken

    def destroy(self, verification: str, cause: Cause) -> DeletionReceipt | None:
        """Destroys the copies of a verification, if any exist here.

        Returns:
            The receipt of their deletion, also when they were destroyed before; None if there were none.
        """
        with self._lock:
            held = self._held.pop(verification, None)
            if held is None:
                return self._receipts.get(verification)
            held.timer.cancel()
            wiped = held.copies.destroy()
            receipt = DeletionReceipt((wiped,), MECHANISM, guards.active(), 0)
            while len(self._receipts) >= _MOST_RECEIPTS:
                self._receipts.pop(next(iter(self._receipts)))
            self._receipts[verification] = receipt
        try:
            about = {"count": wiped.count, "bytes": wiped.bytes, "mechanism": MECHANISM}
            self._audit.append("review_pictures_destroyed", id=verification, cause=cause, **about)
        except IdproofError as error:
            log_error(error)  # they are gone all the same
        return receipt

    def forget(self, verification: str) -> None:
        """Forgets the receipt of a review that is over."""
        with self._lock:
            self._receipts.pop(verification, None)

    def verifications(self) -> list[str]:
        """Returns the verifications of which copies are held."""
        with self._lock:
            return list(self._held)

    def close(self) -> None:
        """Destroys everything: the process is about to end."""
        for verification in self.verifications():
            self.destroy(verification, Cause.STOPPED)

    def _hold(self, verification: str, copies: SealedCopies) -> bool:
        lifetime_s = self._rules.lifetime_s
        timer = threading.Timer(lifetime_s, self.destroy, (verification, Cause.TIME_OVER))
        timer.daemon = True
        with self._lock:
            used = sum(held.copies.size for held in self._held.values())
            if verification in self._held or used + copies.size > self._rules.most_bytes:
                return False
            self._held[verification] = _Held(copies, time.monotonic() + lifetime_s, timer)
        timer.start()
        return True
