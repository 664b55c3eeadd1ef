"""Enforces the retention period, and erases on request."""

from collections.abc import Callable, Sequence

import anyio
import structlog
from sqlalchemy import Connection

from idproof.pipeline.errors import IdproofError
from idproof.service.cases.erasure import RegistrationErasure
from idproof.service.operations.actors import RETENTION
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Outbox
from idproof.service.passkeys.erasure import BoundPasskeys
from idproof.service.storage import Ledger, VerdictStore

PERIOD_S = 3600.0
"""Seconds between two checks of the retention period: chosen by hand; no outside source."""
CLEANING_S = 60.0
"""Seconds between two deletions of what is kept for minutes only: chosen by hand; no outside source."""

log = structlog.get_logger("idproof")


def expire(store: VerdictStore, audit: AuditLog, days: float, *, by: str = RETENTION) -> int:
    """Erases verdicts older than `days`; returns their number, which the audit log notes with the actor.

    Raises:
        StoreUnavailable, AuditBroken: verdicts or audit log cannot be used.
    """
    erased = store.expire(days)
    if erased:
        audit.append("expired", count=len(erased), by=by)
    return len(erased)


def retire_registrations(store: VerdictStore, audit: AuditLog, days: float) -> None:
    """Erases registrations that ended more than `days` ago; raises `StoreUnavailable`."""
    with store.database.write() as connection:
        RegistrationErasure(Outbox(store.database, store.seal), audit, store.seal, RETENTION).retire(connection, days)


def erase(store: VerdictStore, audit: AuditLog, verdict_id: str, *, by: str) -> bool:
    """Erases one verdict with its passkeys, and reports it to the core if it was sent there.

    Passkeys outlive their verdict's retention, and are erased by its id all the same. The registration that the verdict
    is an attempt of is erased with all its attempts.

    Args:
        store: of the verdicts.
        audit: gets a line.
        verdict_id: of the verdict.
        by: the actor, for the audit log.

    Returns:
        False when there is no verdict and no passkey of this id.
    """
    erasure = _Erasure(store, audit, by)

    def find(connection: Connection) -> Sequence[str]:
        return [verdict_id, *erasure.take(connection, erasure.registrations.of_verdict(connection, verdict_id))]

    erasure.perform(find, lambda connection, _: erasure.passkeys.erase_of(connection, [verdict_id]))
    return erasure.found


def erase_registration(store: VerdictStore, audit: AuditLog, registration: str, *, by: str) -> bool:
    """Erases a registration with all its verdicts, like `erase`; returns False when there is none of this id."""
    erasure = _Erasure(store, audit, by)
    erasure.perform(lambda connection: erasure.take(connection, erasure.registrations.of_id(connection, registration)))
    return erasure.found


def erase_person(store: VerdictStore, audit: AuditLog, number: str, *, by: str) -> int:
    """Erases every verdict, registration and passkey of a card's number, reporting each like `erase`; counts verdicts.

    A registration of the person is erased with all its attempts, also those in which no number was read.
    """
    erasure = _Erasure(store, audit, by)

    def find(connection: Connection) -> Sequence[str]:
        mine = erasure.take(connection, erasure.registrations.of_person(connection, number))
        return list(dict.fromkeys([*mine, *store.of_person(connection, number)]))

    return erasure.perform(find, lambda connection, _: erasure.passkeys.erase_person(connection, number))


class _Erasure:
    """One erasure: what it found, and what follows from it in the same transaction."""

    def __init__(self, store: VerdictStore, audit: AuditLog, by: str) -> None:
        self._store = store
        self._audit = audit
        self._by = by
        self._outbox = Outbox(store.database, store.seal)
        self._taken: list[str] = []
        self._verdicts = 0
        self.passkeys = BoundPasskeys(store, audit)
        self.registrations = RegistrationErasure(self._outbox, audit, store.seal, by)

    @property
    def found(self) -> bool:
        """True if anything was erased."""
        return bool(self._verdicts or self.registrations.erased or self.passkeys.erased)

    def take(self, connection: Connection, registrations: list[str]) -> list[str]:
        """Takes registrations, which are locked, into the erasure; returns their verdicts."""
        self._taken = registrations
        return self.registrations.verdicts(connection, registrations)

    def perform(
        self,
        find: Callable[[Connection], Sequence[str]],
        more: Callable[[Connection, Sequence[str]], None] = lambda _connection, _ids: None,
    ) -> int:
        """Erases what is found, with what hangs on it; returns the number of verdicts."""

        def follow(connection: Connection, ids: Sequence[str]) -> None:
            self._outbox.add_erasures(connection, ids)
            self.passkeys.erase_of(connection, ids)
            more(connection, ids)
            self.registrations.erase(connection, self._taken)

        erased = self._store.erase_found(find, follow)
        for verdict_id in erased:
            self._audit.append("erased", id=verdict_id, by=self._by)
        self._verdicts = len(erased)
        return self._verdicts


def redeliver(store: VerdictStore, audit: AuditLog, subject: str, *, by: str) -> int:
    """Sends again what was delivered about a registration and its verdicts, or about one verdict; returns how many.

    Raises:
        StoreUnavailable, AuditBroken: nothing is sent again.
    """
    outbox = Outbox(store.database, store.seal)
    erasure = RegistrationErasure(outbox, audit, store.seal, by)
    with store.database.write() as connection:
        count = outbox.redeliver(connection, [subject, *erasure.verdicts(connection, [subject])])
        if count:
            audit.append("redelivered", id=subject, count=count, by=by)
    return count


async def run_cleaning(clean: Callable[[], object], period_s: float = CLEANING_S) -> None:
    """Calls `clean` at once and then every `period_s` seconds; errors are logged, and the next round tries again."""
    while True:
        try:
            await anyio.to_thread.run_sync(clean)
        except IdproofError as error:
            log.error("unavailable", code=error.code, sentence=error.sentence)  # noqa: TRY400 - no traceback
        await anyio.sleep(period_s)


async def run_retention(
    store: VerdictStore, ledger: Ledger, audit: AuditLog, settings: Settings, period_s: float = PERIOD_S
) -> None:
    """Expires verdicts at once and then every `period_s` seconds; errors are logged, and the next round tries again."""
    while True:
        try:
            erased = await anyio.to_thread.run_sync(expire, store, audit, settings.retention_days)
            await anyio.to_thread.run_sync(ledger.clean, settings.retention_days, settings.idempotency_hours)
            await anyio.to_thread.run_sync(BoundPasskeys(store, audit).clean, settings.passkey_days)
            await anyio.to_thread.run_sync(retire_registrations, store, audit, settings.retention_days)
            if erased:
                log.info("expired", count=erased)
        except IdproofError as error:
            log.error("unavailable", code=error.code, sentence=error.sentence)  # noqa: TRY400 - no traceback
        await anyio.sleep(period_s)
