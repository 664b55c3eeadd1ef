"""Protections of the server's own process, switched on before it holds any picture."""

import os
import sys
from typing import TYPE_CHECKING

from idproof.pipeline.vault import hardening

if TYPE_CHECKING:
    from idproof.service.operations.settings import Settings

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h


def restart_hardened(argv: list[str], program: str = "idproof.service") -> None:
    """Switches off core dumps and values in crash messages, and has freed memory overwritten.

    The C library reads its settings only when a process starts, so the program restarts itself once with them. It does
    so with `-P`, since `-m` alone would let files of the current folder replace installed modules.
    """
    hardening.disable_core_dumps()
    hardening.silence_crashes()
    # Numpy's own threads would come on top of those that are counted (`Settings.branches`).
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    wanted = hardening.allocator_environment()
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, "-P", "-m", program, *argv])  # noqa: S606 - ourselves


def enforce_guards(settings: "Settings") -> None:
    """Closes the process to others of its user, and logs which guards are missing.

    Raises:
        GuardMissing: in production, when required guards do not hold; it names all of them.
    """
    import structlog  # here, because `restart_hardened` runs in a process that ends at once

    from idproof.pipeline.vault import guards

    if not settings.inspectable:
        hardening.disable_dumping()
    if settings.production:
        guards.require_all()
    missing = guards.missing((*guards.REQUIRED, *guards.ADVISED))
    if missing:
        structlog.get_logger("idproof").warning("guards missing", guards=list(missing))
