"""Puts protections in force for the own process before it holds any picture; `guards` tests which hold."""

import ctypes
import os
import resource
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_TUNABLES = "GLIBC_TUNABLES"
_NO_THREAD_CACHE = "glibc.malloc.tcache_count=0"
_ALLOCATOR = {"MALLOC_PERTURB_": "165", "PYTHONMALLOC": "malloc"}  # 165 is 0xA5: any byte but 0 overwrites
_ARENAS = "2"
"""Chosen by hand; no outside source."""


def allocator_environment() -> dict[str, str]:
    """Return the environment that a process must be started with so that its freed memory is overwritten.

    Four settings:

    - `MALLOC_PERTURB_` overwrites memory when it is freed;
    - no cache of freed blocks per thread, which glibc fills without overwriting;
    - Python's small objects come from glibc's allocator, because Python's own never overwrites;
    - two arenas: with one per thread, freed memory is scattered, and the process grows by one or two megabytes per
      thousand registrations.

    An operator's own values of the first and the last setting are kept.
    """
    tunables = [entry for entry in os.environ.get(_TUNABLES, "").split(":") if entry]
    kept = [entry for entry in tunables if not entry.startswith("glibc.malloc.tcache_count=")]
    perturb = os.environ.get("MALLOC_PERTURB_", "0")
    chosen = {"MALLOC_PERTURB_": perturb} if perturb not in ("", "0") else {}
    chosen["MALLOC_ARENA_MAX"] = os.environ.get("MALLOC_ARENA_MAX", _ARENAS)
    return _ALLOCATOR | chosen | {_TUNABLES: ":".join([*kept, _NO_THREAD_CACHE])}


def disable_core_dumps() -> None:
    """Keep a crash from writing the process's memory to a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def disable_dumping() -> None:
    """Keep other processes of the same user from reading or tracing this one."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def silence_crashes() -> None:
    """Report crashes by kind and place only: a message may quote personal data, and locals hold pictures."""

    def hook(kind: type[BaseException], _: BaseException | None, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.stderr.write(f"unexpected {kind.__name__} at {error_location(trace)}\n")

    sys.excepthook = hook

    def in_thread(failed: Any) -> None:
        hook(failed.exc_type, None, failed.exc_traceback)

    threading.excepthook = in_thread
    sys.unraisablehook = in_thread


def error_location(trace: TracebackType | None) -> str:
    """Return file name and line of an error, for developers."""
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
