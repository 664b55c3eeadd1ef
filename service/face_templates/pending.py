"""Templates of accepted registrations that wait for a passkey, encrypted to the core, in memory and for minutes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from idproof.pipeline.errors import IdproofError
from idproof.pipeline.vault import MECHANISM, VaultSession
from idproof.pipeline.vault.split_templates import ProtectedTemplate, TemplateOwner, protect_template
from idproof.service.errors import log_error
from idproof.service.face_templates.store import Destroyed
from idproof.service.operations.audit import AuditLog

_MOST = 10_000
"""Templates that wait at once, 700 bytes each; further ones are not kept. Chosen by hand; no outside source."""
log = structlog.get_logger("idproof")


@dataclass(slots=True, repr=False)
class _Waiting:
    """A template, in memory that is overwritten in the end.

    Attributes:
        owner: of the template.
        packed: it, encrypted to the core.
        ends_at: by the monotonic clock, in seconds.
        stored: whether its verdict is stored.
        agreed: ceremonies of passkeys whose applicant agreed that the template is kept.
    """

    owner: TemplateOwner
    packed: bytearray
    ends_at: float
    stored: bool = False
    agreed: set[str] = field(default_factory=set)


class PendingTemplates:
    """The templates of one server process that wait for a passkey. Safe on several threads.

    Nothing of them is written anywhere: before a passkey has added its layer, the database never holds them. One thread
    destroys those whose time is over, however many wait; it ends with the last of them.

    Args:
        audit: gets a line for each.
        core_key: uncompressed point of P-256 of the identity core.
        network: full SHA-256 of the network that computes templates.
        lifetime_s: seconds after which one is destroyed.
    """

    def __init__(self, audit: AuditLog, core_key: bytes, network: str, lifetime_s: float) -> None:
        self._audit = audit
        self._core_key = core_key
        self._network = network
        self._lifetime_s = lifetime_s
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Condition()
        self._watch: threading.Thread | None = None

    @contextmanager
    def offer(self, verification: str, registration: str | None, session: VaultSession) -> Iterator[None]:
        """Lets an accept protect its template; destroys it if the block fails, as when the verdict is not stored.

        Args:
            verification: id of the verification.
            registration: that it is an attempt of, or None.
            session: holds the captures.
        """
        owner = TemplateOwner(verification, registration, self._network)
        session.protect_with(lambda held: self._keep(owner, held))
        try:
            yield
        except BaseException:
            self.destroy(verification, Destroyed.NOT_STORED)
            raise
        with self._lock:
            if (waiting := self._waiting.get(verification)) is not None:
                waiting.stored = True

    def agree(self, verification: str, ceremony: str) -> None:
        """Notes that the applicant agreed that the template is kept under the passkey which a ceremony makes."""
        with self._lock:
            if (waiting := self._waiting.get(verification)) is not None:
                waiting.agreed.add(ceremony)

    def find(self, verification: str) -> tuple[TemplateOwner, ProtectedTemplate] | None:
        """Returns the template that waits for a verdict's passkey; None if there is none here."""
        with self._lock:
            waiting = self._waiting.get(verification)
            return None if waiting is None else (waiting.owner, ProtectedTemplate.unpack(bytes(waiting.packed)))

    def waits(self, verification: str, ceremony: str) -> bool:
        """Returns whether a template waits for the passkey that a ceremony made, and the applicant agreed to it."""
        with self._lock:
            waiting = self._waiting.get(verification)
            return waiting is not None and ceremony in waiting.agreed

    def stored(self) -> list[str]:
        """Returns the stored verdicts of the templates that wait."""
        with self._lock:
            return [verification for verification, waiting in self._waiting.items() if waiting.stored]

    def destroy(self, verification: str, cause: Destroyed) -> None:
        """Overwrites a template that waits, if there is one; the audit log has a line for it."""
        with self._lock:
            waiting = self._waiting.pop(verification, None)
            if waiting is None:
                return
            size = len(waiting.packed)
            waiting.packed[:] = bytes(size)
        try:
            about = {"bytes": size, "mechanism": MECHANISM}
            self._audit.append("face_template_destroyed", id=verification, cause=cause, **about)
        except IdproofError as error:
            log_error(error)  # it is gone all the same

    def close(self) -> None:
        """Destroys all: the process is about to end."""
        for verification in list(self._waiting):
            self.destroy(verification, Destroyed.STOPPED)
        with self._lock:
            self._lock.notify_all()

    def _keep(self, owner: TemplateOwner, session: VaultSession) -> int:
        """Returns 1, or 0 where none is kept: a registration without a template is better than one that fails."""
        try:
            protected = protect_template(session, self._core_key, owner)
            with self._lock:
                if len(self._waiting) >= _MOST:
                    log.warning("face template not kept", id=owner.verification, cause="limit")
                    return 0
                ends_at = time.monotonic() + self._lifetime_s
                self._waiting[owner.verification] = _Waiting(owner, bytearray(protected.pack()), ends_at)
                self._ensure_watched()
            self._audit.append("face_template_protected", id=owner.verification, seconds=self._lifetime_s)
        except Exception as error:  # noqa: BLE001 - see above
            log_error(error)
            self.destroy(owner.verification, Destroyed.NOT_STORED)
            return 0
        return 1

    def _ensure_watched(self) -> None:
        if self._watch is None:
            watch = threading.Thread(target=self._destroy_late, name="face templates", daemon=True)
            watch.start()
            self._watch = watch  # not before: a thread that cannot start watches nothing

    def _destroy_late(self) -> None:
        """Destroys the templates whose time is over. They live equally long: the first one is the next."""
        while True:
            with self._lock:
                while self._waiting:
                    late, waiting = next(iter(self._waiting.items()))
                    if (left := waiting.ends_at - time.monotonic()) <= 0:
                        break
                    self._lock.wait(left)
                else:
                    self._watch = None
                    return
            self.destroy(late, Destroyed.TIME_OVER)
