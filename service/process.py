"""Protections of the server's own process, put in force before it holds any picture."""

import ctypes
import os
import resource
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from idproof.pipeline import guards
from idproof.pipeline.errors import IdproofError
from idproof.service.settings import Settings

INTERNAL = 70  # EX_SOFTWARE of sysexits.h
_PR_SET_DUMPABLE = 4
_TUNABLES = "GLIBC_TUNABLES"
_NO_THREAD_CACHE = "glibc.malloc.tcache_count=0"
_ALLOCATOR = {"MALLOC_PERTURB_": "165", "PYTHONMALLOC": "malloc"}
_ARENAS = "2"

log = structlog.get_logger("idproof")


class GuardMissing(IdproofError):
    """In production the service does not start without every guard that it can have."""

    code = "guard_missing"


def protect(argv: list[str], program: str = "idproof.service") -> None:
    """No core dumps, memory overwritten on free, and crashes that tell no values.

    The C library reads its settings only when a process starts, so the program starts itself again with them, once;
    with `-P`, since `-m` alone would let files of the current folder stand in for installed modules. Four settings:
    overwrite on free; no cache of freed blocks a thread, which glibc fills without overwriting; Python's small objects
    from that same allocator instead of from Python's own, which never overwrites; and two arenas, because with one for
    each thread what is freed lies scattered, and memory grows by a megabyte or two with every thousand registrations.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hush()
    wanted = _wanted()
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, "-P", "-m", program, *argv])  # noqa: S606 - ourselves


def enforce(settings: Settings) -> None:
    """Shut the process to others of its user, and say which guards are missing.

    Raises:
        GuardMissing: in production, when a required guard does not hold; it names them all.
    """
    if not settings.inspectable:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    missing = guards.missing()
    if missing and settings.production:
        raise GuardMissing(f"These guards are missing, so nothing is served in production: {', '.join(missing)}.")
    warn = (*missing, *guards.missing(guards.ADVISED))
    if warn:
        log.warning("guards missing", guards=list(warn))


def _wanted() -> dict[str, str]:
    tunables = [entry for entry in os.environ.get(_TUNABLES, "").split(":") if entry]
    kept = [entry for entry in tunables if not entry.startswith("glibc.malloc.tcache_count=")]
    perturb = os.environ.get("MALLOC_PERTURB_", "0")
    chosen = {"MALLOC_PERTURB_": perturb} if perturb not in ("", "0") else {}
    chosen["MALLOC_ARENA_MAX"] = os.environ.get("MALLOC_ARENA_MAX", _ARENAS)
    return _ALLOCATOR | chosen | {_TUNABLES: ":".join([*kept, _NO_THREAD_CACHE])}


def hush() -> None:
    """Crashes by kind and place: a message may quote what it stumbled over, and locals hold pictures."""

    def hook(kind: type[BaseException], _: BaseException | None, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.stderr.write(f"unexpected {kind.__name__} at {place(trace)}\n")

    sys.excepthook = hook

    def in_thread(failed: Any) -> None:
        hook(failed.exc_type, None, failed.exc_traceback)

    threading.excepthook = in_thread
    sys.unraisablehook = in_thread


def place(trace: TracebackType | None) -> str:
    """File and line where it happened, for whoever mends it."""
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
