"""What an operator's commands share with the service: the kept verdicts and the audit log of a data folder."""

from pathlib import Path

from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Outbox
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database, VerdictStore


def open_verdicts_and_audit(data_dir: Path | None) -> tuple[VerdictStore, AuditLog]:
    """The verdicts and the log; raises `KeysUnusable`, `StoreUnavailable` or `AuditBroken`."""
    settings = load_settings(data_dir)
    keys = Keys.open(settings)
    return VerdictStore.open(settings, keys.sealing), AuditLog.open(settings, keys)


def open_database(data_dir: Path | None) -> Database:
    """The database alone, for what is not sealed; raises `StoreUnavailable`."""
    return open_verdicts_and_audit(data_dir)[0].database


def open_outbox(data_dir: Path | None) -> Outbox:
    """The deliveries; raises `KeysUnusable` or `StoreUnavailable`."""
    verdicts, _ = open_verdicts_and_audit(data_dir)
    return Outbox(verdicts.database, verdicts.seal)


def open_audit_log(data_dir: Path | None) -> AuditLog:
    """The log, not yet checked; raises `KeysUnusable`."""
    settings = load_settings(data_dir)
    return AuditLog(settings.audit_log, settings.audit_head, Keys.open(settings))


def load_settings(data_dir: Path | None) -> Settings:
    """The settings of a data folder."""
    return Settings.load(**({} if data_dir is None else {"data_dir": data_dir}))
