"""Opens the stored verdicts, the outbox and the audit log of a data folder, for the operators' commands."""

from pathlib import Path

from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Outbox
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database, VerdictStore


def open_verdicts_and_audit(data_dir: Path | None, *, sandbox: bool = False) -> tuple[VerdictStore, AuditLog]:
    """Opens the verdicts and the audit log; raises `KeysUnusable`, `StoreUnavailable` or `AuditBroken`."""
    settings = load_settings(data_dir, sandbox=sandbox)
    keys = Keys.open(settings)
    return VerdictStore.open(settings, keys.sealing, lambda: keys.newer_sealing), AuditLog.open(settings, keys)


def open_database(data_dir: Path | None, *, sandbox: bool = False) -> Database:
    """Opens the database, for data that is not sealed; raises `StoreUnavailable`."""
    return open_verdicts_and_audit(data_dir, sandbox=sandbox)[0].database


def open_outbox(data_dir: Path | None, *, sandbox: bool = False) -> Outbox:
    """Opens the outbox; raises `KeysUnusable` or `StoreUnavailable`."""
    verdicts, _ = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    return Outbox(verdicts.database, verdicts.seal)


def open_audit_log(data_dir: Path | None, *, sandbox: bool = False) -> AuditLog:
    """Opens the audit log without checking it; raises `KeysUnusable`."""
    settings = load_settings(data_dir, sandbox=sandbox)
    return AuditLog(settings.audit_log, settings.audit_head, Keys.open(settings))


def load_settings(data_dir: Path | None, *, sandbox: bool = False) -> Settings:
    """Returns the settings of a data folder.

    Args:
        data_dir: None for the default folder.
        sandbox: of the sandbox that is started with this folder; also by `IDPROOF_SANDBOX=1`.
    """
    settings = Settings.load(
        **({} if data_dir is None else {"data_dir": data_dir}), **({"sandbox": True} if sandbox else {})
    )
    return settings.for_sandbox() if settings.sandbox else settings
