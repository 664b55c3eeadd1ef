"""Protections that a process puts in force for itself before it holds any picture; `guards` asks which hold."""

import ctypes
import os
import resource
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

_PR_SET_DUMPABLE = 4
_TUNABLES = "GLIBC_TUNABLES"
_NO_THREAD_CACHE = "glibc.malloc.tcache_count=0"
_ALLOCATOR = {"MALLOC_PERTURB_": "165", "PYTHONMALLOC": "malloc"}
_ARENAS = "2"


def allocator() -> dict[str, str]:
    """Environment that a process must have been started with for its freed memory to be overwritten.

    Four settings: overwrite on free; no cache of freed blocks a thread, which glibc fills without overwriting;
    Python's small objects from that same allocator instead of from Python's own, which never overwrites; and two
    arenas, because with one for each thread what is freed lies scattered, and memory grows by a megabyte or two with
    every thousand registrations. What an operator chose for the first and the last holds.
    """
    tunables = [entry for entry in os.environ.get(_TUNABLES, "").split(":") if entry]
    kept = [entry for entry in tunables if not entry.startswith("glibc.malloc.tcache_count=")]
    perturb = os.environ.get("MALLOC_PERTURB_", "0")
    chosen = {"MALLOC_PERTURB_": perturb} if perturb not in ("", "0") else {}
    chosen["MALLOC_ARENA_MAX"] = os.environ.get("MALLOC_ARENA_MAX", _ARENAS)
    return _ALLOCATOR | chosen | {_TUNABLES: ":".join([*kept, _NO_THREAD_CACHE])}


def no_core_dumps() -> None:
    """A crash writes no file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def not_dumpable() -> None:
    """Shut the process to others of its user."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def silence_crashes() -> None:
    """Report crashes by kind and place only: a message may quote personal data, and locals hold pictures."""

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
