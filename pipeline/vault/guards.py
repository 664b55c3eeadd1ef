"""Tests which protections of memory are in force in this process: by a trial or a system call, never by assumption."""

import contextlib
import ctypes
import io
import os
import resource
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from idproof.pipeline.errors import GuardMissing
from idproof.pipeline.vault.pages import Pages

REQUIRED = (
    "malloc_perturb",
    "small_objects_perturb",
    "no_core_dumps",
    "not_dumpable",
    "pages_shielded",
    "quiet_crashes",
)
"""Without any of these the service does not start in production."""

ADVISED = ("pages_locked", "no_swap")
"""These depend on the host; the service warns where one is missing."""

_PR_GET_DUMPABLE = 3  # linux/prctl.h
_TRIAL_SIZES = (64, 300, 1000, 5000)
"""Bytes, one size per place where glibc keeps freed memory (malloc.c): fast bins, thread caches, sorted bins."""

_OBJECT_BYTES = 300  # below 512, the limit of Python's own allocator (Objects/obmalloc.c)
_LINK_BYTES = 32  # at the start of a free block, in which glibc keeps its lists
_TRIES = 8  # chosen by hand; no outside source
_TRIAL_PAGES_BYTES = 96 * 1024 * 1024  # about one registration: four uploads at their limit, and their pictures
_CACHED_BYTES = 1024  # numpy caches freed arrays below this size (`_core/src/multiarray/alloc.c`)
_CACHED_BLOCKS = 8  # one more than numpy caches per size
_libc = ctypes.CDLL(None, use_errno=True)


def active() -> tuple[str, ...]:
    """Test every guard, and return the names of those that hold.

    `malloc_perturb`: the C library overwrites memory when it is freed, so copies made by a decoder or a network do
    not outlive their use (glibc manual, `glibc.malloc.perturb`). Tried out with blocks of several sizes.
    `small_objects_perturb`: the same for Python's small objects. Tried out.
    `no_core_dumps`: a crash neither writes the process's memory to disk nor hands it to a program.
    `not_dumpable`: `PR_SET_DUMPABLE` is 0: no other process of the same user can read or trace this one.
    `pages_shielded`: pages of the vault are left out of dumps and are zeros in a forked child. Tried out.
    `quiet_crashes`: an uncaught exception is reported by kind and place, without values. Tried out.
    `pages_locked`: as much as one registration needs may be locked into memory. Tried out.
    `no_swap`: the system has no swap.
    """
    return tuple(name for name, holds in _GUARDS.items() if holds())


def missing(names: tuple[str, ...] = REQUIRED) -> tuple[str, ...]:
    """Return those of these guards that do not hold."""
    held = active()
    return tuple(name for name in names if name not in held)


def require_all() -> None:
    """Stop a process that lacks a required guard: in production it must not serve.

    Raises:
        GuardMissing: names every required guard that does not hold.
    """
    if lacking := missing():
        raise GuardMissing(f"These guards are missing, so nothing is served in production: {', '.join(lacking)}.")


def flush_small_arrays() -> None:
    """Overwrite numpy's cache of small freed arrays, templates among them, which never reach the allocator.

    The cache belongs to the calling thread. Takes a few milliseconds.
    """
    for size in range(1, _CACHED_BYTES):
        held = [np.zeros(size, dtype=np.uint8) for _ in range(_CACHED_BLOCKS)]
        del held


def clear_frames(error: BaseException) -> None:
    """Free what the functions held that an error ended, such as a half decoded picture.

    The error would keep it until it is answered, which is after the vault was wiped. Functions that still run keep
    what they hold.
    """
    found: list[BaseException | None] = [error]
    for one in found:
        if one is not None:
            traceback.clear_frames(one.__traceback__)
            found += [other for other in (one.__cause__, one.__context__) if other not in found]


@cache
def _overwrites_on_free() -> bool:
    return _memory_is_readable() and not any(_survives_free(size) for size in _TRIAL_SIZES for _ in range(_TRIES))


@cache
def _overwrites_small_objects() -> bool:
    return _memory_is_readable() and not any(_survives_del() for _ in range(_TRIES))


def _survives_free(size: int) -> bool:
    """Free a block with a pattern, and read it; nothing may be allocated in between, as it could take its place."""
    pattern, out = os.urandom(size), ctypes.create_string_buffer(size)
    _libc.malloc.restype = ctypes.c_void_p
    block = _libc.malloc(ctypes.c_size_t(size))
    ctypes.memmove(block, pattern, size)
    address = ctypes.c_void_p(block)
    _libc.free(address)
    return _is_still_there(pattern, _read_memory(block, out))


def _survives_del() -> bool:
    pattern, out = os.urandom(_OBJECT_BYTES), ctypes.create_string_buffer(_OBJECT_BYTES)
    data = bytes(bytearray(pattern))
    address = id(data) + sys.getsizeof(b"") - 1
    del data
    return _is_still_there(pattern, _read_memory(address, out))


def _is_still_there(pattern: bytes, found: bytes | None) -> bool:
    """True if more than half of the pattern is found; unmapped memory holds nothing."""
    if found is None:
        return False
    pairs = list(zip(pattern[_LINK_BYTES:], found[_LINK_BYTES:], strict=True))
    return sum(a == b for a, b in pairs) > len(pairs) // 2


class _MemoryRange(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _read_memory(address: int, out: "ctypes.Array[ctypes.c_char]") -> bytes | None:
    """Read this process's memory through the kernel: an address that is not mapped gives None instead of a crash."""
    here, there = _MemoryRange(ctypes.addressof(out), len(out)), _MemoryRange(address, len(out))
    one = ctypes.c_ulong(1)
    read = _libc.process_vm_readv(os.getpid(), ctypes.byref(here), one, ctypes.byref(there), one, ctypes.c_ulong(0))
    return out.raw if read == len(out) else None


@cache
def _memory_is_readable() -> bool:
    """True if a trial can be trusted: a pattern that is still held must be found."""
    if not hasattr(_libc, "process_vm_readv"):
        return False
    held = ctypes.create_string_buffer(os.urandom(64), 64)
    return _read_memory(ctypes.addressof(held), ctypes.create_string_buffer(64)) == held.raw


def core_dumps_off(core_pattern: str, limit: int, dumpable: bool) -> bool:
    """Decide whether a crash dumps nothing.

    Args:
        core_pattern: of the kernel; with `|` it hands dumps to a program, whatever the limit.
        limit: on the size of core files, in bytes.
        dumpable: whether the process is (`PR_GET_DUMPABLE`); one that is not is never handed to a program.
    """
    return limit == 0 and not (core_pattern.startswith("|") and dumpable)


def swap_off(swaps: str) -> bool:
    """Decide from the text of /proc/swaps whether there is no swap; an unreadable one proves nothing."""
    return len(swaps.splitlines()) == 1


def _not_dumpable() -> bool:
    return hasattr(_libc, "prctl") and _libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


def _quiet_crashes() -> bool:
    return _hides_values(sys.excepthook)


@cache
def _hides_values(hook: Callable[..., object]) -> bool:
    """True if a hook reports a crash without the value that its message quotes: tried once per hook."""
    secret, report = os.urandom(8).hex(), io.StringIO()
    try:
        int(secret + "!")  # its message quotes the value
    except ValueError as crash:
        with contextlib.redirect_stderr(report):
            hook(type(crash), crash, crash.__traceback__)
    return secret not in report.getvalue()


def _file_text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


@cache
def _trial_pages() -> tuple[bool, bool]:
    pages = Pages(_TRIAL_PAGES_BYTES)
    return pages.shielded, pages.locked


_GUARDS: dict[str, Callable[[], bool]] = {
    "malloc_perturb": _overwrites_on_free,
    "small_objects_perturb": _overwrites_small_objects,
    "no_core_dumps": lambda: core_dumps_off(
        _file_text("/proc/sys/kernel/core_pattern"), resource.getrlimit(resource.RLIMIT_CORE)[0], not _not_dumpable()
    ),
    "not_dumpable": _not_dumpable,
    "pages_shielded": lambda: _trial_pages()[0],
    "quiet_crashes": _quiet_crashes,
    "pages_locked": lambda: _trial_pages()[1],
    "no_swap": lambda: swap_off(_file_text("/proc/swaps")),
}
