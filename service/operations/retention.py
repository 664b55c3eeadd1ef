"""Enforces the retention period, and erases on request."""

import anyio
import structlog

from idproof.pipeline.errors import IdproofError
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Outbox
from idproof.service.storage import Ledger, VerdictStore

PERIOD_S = 3600.0
"""Seconds between two checks of the retention period: chosen by hand; no outside source."""

log = structlog.get_logger("idproof")


def expire(store: VerdictStore, audit: AuditLog, days: float) -> int:
    """Erases verdicts older than `days`; returns their number, which the audit log notes.

    Raises:
        StoreUnavailable, AuditBroken: verdicts or audit log cannot be used.
    """
    erased = store.expire(days)
    if erased:
        audit.append("expired", count=len(erased))
    return len(erased)


def erase(store: VerdictStore, audit: AuditLog, verdict_id: str) -> bool:
    """Erases one verdict and reports it to the core if it was sent there; returns False when none has this id."""
    erased = store.erase(verdict_id, Outbox(store.database, store.seal).add_erasures)
    for verdict_id in erased:
        audit.append("erased", id=verdict_id)
    return bool(erased)


def erase_person(store: VerdictStore, audit: AuditLog, number: str) -> int:
    """Erases every verdict stored under a card number, reporting each like `erase`; returns their number."""
    erased = store.erase_person(number, Outbox(store.database, store.seal).add_erasures)
    for verdict_id in erased:
        audit.append("erased", id=verdict_id)
    return len(erased)


async def run_retention(
    store: VerdictStore, ledger: Ledger, audit: AuditLog, settings: Settings, period_s: float = PERIOD_S
) -> None:
    """Expires verdicts at once and then every `period_s` seconds; errors are logged, and the next round tries again."""
    while True:
        try:
            erased = await anyio.to_thread.run_sync(expire, store, audit, settings.retention_days)
            await anyio.to_thread.run_sync(ledger.clean, settings.retention_days, settings.idempotency_hours)
            if erased:
                log.info("expired", count=erased)
        except IdproofError as error:
            log.error("unavailable", code=error.code, sentence=error.sentence)  # noqa: TRY400 - no traceback
        await anyio.sleep(period_s)
