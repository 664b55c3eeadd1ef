"""Templates of accepted registrations that wait for a passkey, encrypted to the core, in memory and for minutes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
    """A template, in memory that is overwritten in the end."""

    owner: TemplateOwner
    packed: bytearray
    timer: threading.Timer


class PendingTemplates:
    """The templates of one server process that wait for a passkey. Safe on several threads.

    Nothing of them is written anywhere: before a passkey has added its layer, the database never holds them.

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
        self._lock = threading.Lock()

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

    def find(self, verification: str) -> tuple[TemplateOwner, ProtectedTemplate] | None:
        """Returns the template that waits for a verdict's passkey; None if there is none here."""
        with self._lock:
            waiting = self._waiting.get(verification)
            return None if waiting is None else (waiting.owner, ProtectedTemplate.unpack(bytes(waiting.packed)))

    def waits(self, verification: str) -> bool:
        """Returns whether a template waits for a verdict's passkey."""
        with self._lock:
            return verification in self._waiting

    def destroy(self, verification: str, cause: Destroyed) -> None:
        """Overwrites a template that waits, if there is one; the audit log has a line for it."""
        with self._lock:
            waiting = self._waiting.pop(verification, None)
            if waiting is None:
                return
            waiting.timer.cancel()
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

    def _keep(self, owner: TemplateOwner, session: VaultSession) -> int:
        """Returns 1, or 0 where none is kept: a registration without a template is better than one that fails."""
        try:
            protected = protect_template(session, self._core_key, owner)
            timer = threading.Timer(self._lifetime_s, self.destroy, (owner.verification, Destroyed.TIME_OVER))
            timer.daemon = True
            with self._lock:
                if len(self._waiting) >= _MOST:
                    log.warning("face template not kept", id=owner.verification, cause="limit")
                    return 0
                self._waiting[owner.verification] = _Waiting(owner, bytearray(protected.pack()), timer)
            timer.start()
            self._audit.append("face_template_protected", id=owner.verification, seconds=self._lifetime_s)
        except Exception as error:  # noqa: BLE001 - see above
            log_error(error)
            self.destroy(owner.verification, Destroyed.NOT_STORED)
            return 0
        return 1
