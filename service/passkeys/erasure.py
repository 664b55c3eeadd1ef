"""Revocation of passkeys, and their erasure: with their registration, by a card's number, or after their own time."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection

from idproof.service.face_templates.store import Destroyed, FaceTemplateStore
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox.queue import Outbox
from idproof.service.passkeys.ceremony_store import clean_ceremonies
from idproof.service.passkeys.states import PasskeyEvent
from idproof.service.passkeys.store import Passkey, Passkeys
from idproof.service.step_up.store import StepUpStore
from idproof.service.storage import VerdictStore


class BoundPasskeys:
    """Revokes and erases passkeys, reports each to the core if it was told of it, and writes a line into the audit log.

    Attributes:
        erased: number of passkeys that were erased.
    """

    def __init__(self, store: VerdictStore, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit
        self._passkeys = Passkeys(store.database, store.seal)
        self._outbox = Outbox(store.database, store.seal)
        self._templates = FaceTemplateStore(store.seal, audit)
        self.erased = 0

    def revoke(self, passkey_id: str, client: str | None, by: str) -> bool:
        """Revokes a passkey, and destroys its face template; returns False if the client has none that is in force.

        Args:
            passkey_id: of the passkey.
            client: its owner; None for an operator.
            by: the client, or `operator`, for the audit log.

        Raises:
            StoreUnavailable, AuditBroken: nothing is changed.
        """
        found = self._passkeys.find(passkey_id)
        if found is None or client not in (None, found.client):
            return False
        with self._store.database.write() as connection:
            if not self._passkeys.move(connection, passkey_id, PasskeyEvent.REVOKED):
                return False
            if found.reported:
                self._report(connection, found)
            self._templates.destroy(connection, [passkey_id], Destroyed.PASSKEY_REVOKED)
            self._audit.append("passkey_revoked", passkey=found.id, id=found.verification, by=by)
        return True

    def destroy_template(self, passkey_id: str) -> bool:
        """Destroys a passkey's face template, and leaves the passkey; returns False if it has none.

        Raises:
            StoreUnavailable, AuditBroken: nothing is changed.
        """
        with self._store.database.write() as connection:
            return bool(self._templates.destroy(connection, [passkey_id], Destroyed.HOLDER))

    def destroy_all_templates(self) -> int:
        """Destroys every face template, and leaves the passkeys; returns how many there were.

        Raises:
            StoreUnavailable, AuditBroken: nothing is changed.
        """
        with self._store.database.write() as connection:
            return self._templates.destroy_all(connection, Destroyed.OPERATOR)

    def erase_of(self, connection: Connection, verifications: Iterable[str]) -> None:
        """Erases the passkeys of verdicts, and their step-ups, within a transaction; raises `AuditBroken`."""
        self._erase(connection, self._passkeys.of_verdicts(verifications))

    def erase_person(self, connection: Connection, number: str) -> None:
        """Erases the passkeys of a card's number within a transaction; raises `AuditBroken`."""
        which = self._passkeys.of_person(number)
        if which is not None:
            self._erase(connection, which)

    def clean(self, days: float) -> None:
        """Erases passkeys older than this many days, and old ceremonies; raises `StoreUnavailable`, `AuditBroken`."""
        with self._store.database.write() as connection:
            self._erase(connection, self._passkeys.older_than(days))
            clean_ceremonies(connection)
            StepUpStore.clean(connection)

    def _erase(self, connection: Connection, which: ColumnElement[bool]) -> None:
        for passkey in self._passkeys.erase(connection, which, self._report):
            StepUpStore.erase(connection, [passkey.verification])
            self._templates.destroy(connection, [passkey.id], Destroyed.ERASED)
            self._audit.append("passkey_erased", passkey=passkey.id, id=passkey.verification)
            self.erased += 1

    def _report(self, connection: Connection, passkey: Passkey) -> None:
        self._outbox.add_unbinding(connection, passkey.verification, passkey.id)
