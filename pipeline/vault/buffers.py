"""The buffers of a vault session: uploads as they arrive, and arrays. Each can be lent, and overwritten meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.errors import CaptureTooLarge, SessionExpired
from idproof.pipeline.vault.pages import Pages


class UploadSink:
    """Receives the bytes of one capture into anonymous memory that never grows by copying.

    The whole limit is reserved as address space at once, and the kernel provides pages as they are written, so a
    growing upload leaves no half-size copies in freed memory.
    """

    def __init__(self, role: str, limit: int) -> None:
        self.role = role
        self.size = 0
        self.wiped = False
        self._limit = limit
        self._memory = Pages(limit).memory
        self._lock = threading.Lock()

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Append; raises `CaptureTooLarge` at the first byte over the limit, `SessionExpired` once wiped."""
        data = memoryview(chunk).cast("B")
        with self._lock:  # not one byte may arrive after the wipe
            _ensure_held(self)
            if self.size + len(data) > self._limit:
                raise CaptureTooLarge(f"The capture {self.role} is larger than {self._limit} bytes.", capture=self.role)
            self._memory[self.size : self.size + len(data)] = data
            self.size += len(data)
        return len(data)

    @contextmanager
    def reading(self) -> Iterator[memoryview]:
        """Lend the bytes received so far, read-only, for the length of the block; raises as `VaultSession.upload`."""
        with self._lock:
            _ensure_held(self)
            whole = memoryview(self._memory)
        view = whole[: self.size].toreadonly()
        try:
            with refuse_if_wiped(self):
                yield view
        finally:
            view.release()
            whole.release()

    def wipe(self) -> int:
        """Overwrite and release; returns how many bytes were held."""
        with self._lock:
            if self.wiped:
                return 0
            self.wiped = True
            np.frombuffer(self._memory, dtype=np.uint8, count=self.size)[...] = 0
            # A decoder on another thread may still hold a view: it reads zeros from now on, gets `SessionExpired` when
            # it returns the view, and the pages are freed then.
            with suppress(BufferError):
                self._memory.close()
            return self.size


@dataclass(eq=False)
class HeldArray:
    """An array in pages of the vault.

    Attributes:
        values: the array.
        wiped: whether it was overwritten.
    """

    values: NDArray[Any]
    wiped: bool = False

    def wipe(self) -> int:
        """Overwrite; returns how many bytes were held."""
        self.wiped = True  # set before the zeros, so that a reader who saw a zero gets the error
        self.values.fill(0)
        return self.values.nbytes


@contextmanager
def refuse_if_wiped(held: UploadSink | HeldArray) -> Iterator[None]:
    """Raise `SessionExpired` at the end of the block if the lent buffer was overwritten within it.

    The vault does not wait for readers before it overwrites. A result computed from half a picture and half zeros is no
    fact, and an error raised on it is no fault of the picture, so neither leaves the block.
    """
    try:
        yield
    except Exception:
        _ensure_held(held)
        raise
    _ensure_held(held)


def _ensure_held(held: UploadSink | HeldArray) -> None:
    if held.wiped:
        raise SessionExpired("The capture session has ended; its pictures are deleted.") from None
