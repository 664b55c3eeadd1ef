"""A file object over borrowed memory."""

import io
from typing import Any


class MemoryReader(io.RawIOBase):
    """Reads a view of the vault's memory in place, so that a decoder is not given a copy of it.

    Args:
        view: bytes to read; the reader must not be used after the view is released.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, as files do; returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, target: Any) -> int:
        """Copy the next bytes into a buffer; returns their number."""
        chunk = self._view[self._position : self._position + len(target)]
        target[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)
