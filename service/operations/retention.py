"""Nothing is kept longer than it may be: the job that enforces the retention period, and erasure on request."""

import anyio
import structlog

from idproof.pipeline.errors import IdproofError
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ledger, VerdictStore

PERIOD_S = 3600.0

log = structlog.get_logger("idproof")


def expire(store: VerdictStore, audit: AuditLog, days: float) -> int:
    """Erase what is too old and write down how many; raises `StoreUnavailable` or `AuditBroken`."""
    gone = store.expire(days)
    if gone:
        audit.append("expired", count=len(gone))
    return len(gone)


def erase(store: VerdictStore, audit: AuditLog, verdict_id: str) -> bool:
    """Erase one verdict; False when there is none of this id."""
    gone = store.erase(verdict_id)
    for erased in gone:
        audit.append("erased", id=erased)
    return bool(gone)


def erase_person(store: VerdictStore, audit: AuditLog, number: str) -> int:
    """Erase all that is kept under a card number, and say how many there were."""
    gone = store.erase_person(number)
    for erased in gone:
        audit.append("erased", id=erased)
    return len(gone)


async def run_retention(
    store: VerdictStore, ledger: Ledger, audit: AuditLog, settings: Settings, period_s: float = PERIOD_S
) -> None:
    """Expire at once and then every hour; what goes wrong is logged and tried again."""
    while True:
        try:
            gone = await anyio.to_thread.run_sync(expire, store, audit, settings.retention_days)
            await anyio.to_thread.run_sync(ledger.clean, settings.retention_days, settings.idempotency_hours)
            if gone:
                log.info("expired", count=gone)
        except IdproofError as error:
            log.error("unavailable", code=error.code, sentence=error.sentence)  # noqa: TRY400 - no traceback
        await anyio.sleep(period_s)
