"""Which protections of memory are in force in this process: tried out or asked of the system, never assumed."""

import contextlib
import ctypes
import io
import os
import resource
import sys
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
"""These depend on the host; where one is missing the service warns."""

_PR_GET_DUMPABLE = 3
_SIZES = (64, 300, 1000, 5000)  # of each way in which glibc keeps freed memory: fast bins, thread caches, sorted bins
_OBJECT_BYTES = 300  # below 512, where Python's own allocator serves
_HEAD = 32  # bytes that a free block uses for its own links
_TRIES = 8
_TRIAL_BYTES = 96 * 1024 * 1024  # about what one registration reserves: four uploads at their limit, and its pictures
_CACHED_BYTES = 1024  # numpy keeps freed arrays below this size for itself (`_core/src/multiarray/alloc.c`)
_CACHED_BLOCKS = 8  # one more than it keeps of each size
_libc = ctypes.CDLL(None, use_errno=True)


def active() -> tuple[str, ...]:
    """Names of the guards that hold here and now.

    `malloc_perturb`: the C library overwrites memory when it is freed, so copies that a decoder or a network made on
    the way do not outlive it (glibc manual, `glibc.malloc.perturb`). Tried out with blocks of several sizes.
    `small_objects_perturb`: the same for Python's small objects. Tried out.
    `no_core_dumps`: a crash writes no image of the process to disk, nor hands it to a program.
    `not_dumpable`: `PR_SET_DUMPABLE` is 0: no other process of the same user can read or trace this one.
    `pages_shielded`: pages of the vault are left out of dumps and are zeros in a forked child. Tried out.
    `quiet_crashes`: an exception that nobody catches is told by its kind and place, without values.
        Tried out.
    `pages_locked`: as much as one registration needs may be locked into memory. Tried out.
    `no_swap`: the system has no swap.
    """
    return tuple(name for name, holds in _GUARDS.items() if holds())


def missing(names: tuple[str, ...] = REQUIRED) -> tuple[str, ...]:
    """Which of these guards do not hold."""
    held = active()
    return tuple(name for name in names if name not in held)


def demand() -> None:
    """In production nothing is served without every required guard.

    Raises:
        GuardMissing: it names them all.
    """
    if lacking := missing():
        raise GuardMissing(f"These guards are missing, so nothing is served in production: {', '.join(lacking)}.")


def flush_small_arrays() -> None:
    """Overwrite what numpy keeps of small arrays that were freed, templates among them: the allocator never gets those.

    For the calling thread, whose arrays they were. A few milliseconds.
    """
    for size in range(1, _CACHED_BYTES):
        held = [np.zeros(size, dtype=np.uint8) for _ in range(_CACHED_BLOCKS)]
        del held


@cache
def _overwrites_on_free() -> bool:
    return _can_look() and not any(_outlives_free(size) for size in _SIZES for _ in range(_TRIES))


@cache
def _overwrites_small_objects() -> bool:
    return _can_look() and not any(_outlives_del() for _ in range(_TRIES))


def _outlives_free(size: int) -> bool:
    """Everything is at hand before the block is freed: whatever was allocated after it could lie in its place."""
    pattern, out = os.urandom(size), ctypes.create_string_buffer(size)
    _libc.malloc.restype = ctypes.c_void_p
    block = _libc.malloc(ctypes.c_size_t(size))
    ctypes.memmove(block, pattern, size)
    address = ctypes.c_void_p(block)
    _libc.free(address)
    return _outlived(pattern, _peek(block, out))


def _outlives_del() -> bool:
    pattern, out = os.urandom(_OBJECT_BYTES), ctypes.create_string_buffer(_OBJECT_BYTES)
    data = bytes(bytearray(pattern))
    address = id(data) + sys.getsizeof(b"") - 1
    del data
    return _outlived(pattern, _peek(address, out))


def _outlived(pattern: bytes, found: bytes | None) -> bool:
    """Whether half of the pattern is still there; memory that is gone holds nothing."""
    if found is None:
        return False
    return sum(a == b for a, b in zip(pattern[_HEAD:], found[_HEAD:], strict=True)) > (len(pattern) - _HEAD) // 2


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _peek(address: int, out: "ctypes.Array[ctypes.c_char]") -> bytes | None:
    """This process's memory as the kernel sees it: an address that is not mapped is an answer, not a crash."""
    here, there = _Span(ctypes.addressof(out), len(out)), _Span(address, len(out))
    one = ctypes.c_ulong(1)
    read = _libc.process_vm_readv(os.getpid(), ctypes.byref(here), one, ctypes.byref(there), one, ctypes.c_ulong(0))
    return out.raw if read == len(out) else None


@cache
def _can_look() -> bool:
    """Whether a trial shows what is there: a pattern that is kept must be found."""
    if not hasattr(_libc, "process_vm_readv"):
        return False
    kept = ctypes.create_string_buffer(os.urandom(64), 64)
    return _peek(ctypes.addressof(kept), ctypes.create_string_buffer(64)) == kept.raw


def _no_core_dumps() -> bool:
    """A limit of zero stops files; a program that takes dumps (`|` in core_pattern) only sees what is dumpable."""
    piped = _text("/proc/sys/kernel/core_pattern").startswith("|")
    return resource.getrlimit(resource.RLIMIT_CORE)[0] == 0 and (not piped or _not_dumpable())


def _not_dumpable() -> bool:
    return hasattr(_libc, "prctl") and _libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


def _quiet_crashes() -> bool:
    return _tells_no_values(sys.excepthook)


@cache
def _tells_no_values(hook: Callable[..., object]) -> bool:
    """Whether a crash that quotes a value is told without it: tried once for each hook, on a crash of our own."""
    secret, told = os.urandom(8).hex(), io.StringIO()
    try:
        int(secret + "!")  # its message quotes what could not be read
    except ValueError as crash:
        with contextlib.redirect_stderr(told):
            hook(type(crash), crash, crash.__traceback__)
    return secret not in told.getvalue()


def _no_swap() -> bool:
    return len(_text("/proc/swaps").splitlines()) == 1


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


@cache
def _trial_pages() -> tuple[bool, bool]:
    pages = Pages(_TRIAL_BYTES)
    return pages.shielded, pages.locked


_GUARDS: dict[str, Callable[[], bool]] = {
    "malloc_perturb": _overwrites_on_free,
    "small_objects_perturb": _overwrites_small_objects,
    "no_core_dumps": _no_core_dumps,
    "not_dumpable": _not_dumpable,
    "pages_shielded": lambda: _trial_pages()[0],
    "quiet_crashes": _quiet_crashes,
    "pages_locked": lambda: _trial_pages()[1],
    "no_swap": _no_swap,
}
