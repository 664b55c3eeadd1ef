"""Protections of the server's own process, put in force before it holds any picture."""

import os
import sys

import structlog

from idproof.pipeline.vault import guards, hardening
from idproof.service.operations.settings import Settings

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h

log = structlog.get_logger("idproof")


def restart_hardened(argv: list[str], program: str = "idproof.service") -> None:
    """No core dumps, memory overwritten on free, and crashes that tell no values.

    The C library reads its settings only when a process starts, so the program starts itself again with them, once;
    with `-P`, since `-m` alone would let files of the current folder stand in for installed modules.
    """
    hardening.disable_core_dumps()
    hardening.silence_crashes()
    wanted = hardening.allocator_environment()
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, "-P", "-m", program, *argv])  # noqa: S606 - ourselves


def enforce_guards(settings: Settings) -> None:
    """Shut the process to others of its user, and say which guards are missing.

    Raises:
        GuardMissing: in production, when a required guard does not hold; it names them all.
    """
    if not settings.inspectable:
        hardening.disable_dumping()
    if settings.production:
        guards.require_all()
    warn = guards.missing((*guards.REQUIRED, *guards.ADVISED))
    if warn:
        log.warning("guards missing", guards=list(warn))
