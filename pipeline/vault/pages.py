"""Memory in whole pages that are left out of core dumps, not inherited by a forked child, and locked out of swap."""

import ctypes
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Linux's own numbers, for which Python has no names.
_MADV_WIPEONFORK = 18  # asm-generic/mman-common.h
_MLOCK_ONFAULT = 1  # asm-generic/mman.h
_libc = ctypes.CDLL(None, use_errno=True)


class Pages:
    """Anonymous private memory of at least `size` bytes; the kernel provides each page when it is first written.

    Attributes:
        locked: the pages stay out of swap; without the right to lock this much (`RLIMIT_MEMLOCK`) they may be swapped.
        shielded: the pages are left out of core dumps, and a forked child finds zeros.
    """

    def __init__(self, size: int) -> None:
        self.memory = mmap.mmap(-1, max(1, size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.shielded = self._advise(mmap.MADV_DONTDUMP) and self._advise(_MADV_WIPEONFORK)
        self.locked = self._lock()

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the memory as an array."""
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self.memory, dtype=dtype, count=count).reshape(shape)

    def _advise(self, advice: int) -> bool:
        try:
            self.memory.madvise(advice)
        except OSError:
            return False
        return True

    def _lock(self) -> bool:
        lock = getattr(_libc, "mlock2", None)  # glibc 2.27
        if lock is None:
            return False
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        # The kernel unlocks the pages when the mapping ends.
        return int(lock(ctypes.c_void_p(start), ctypes.c_size_t(len(self.memory)), _MLOCK_ONFAULT)) == 0
