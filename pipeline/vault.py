"""The only owner of pictures and templates: what comes in here is overwritten before the verdict leaves.

A session of the vault lives as long as one verification. Whatever is put into it is overwritten with zeros when
the session's block is left, by whichever way, and at the latest when its lifetime ends, even if a client stalls.
"""

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline import guards
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import CaptureEmpty, CaptureMissing, CaptureTooLarge, SessionExpired
from idproof.pipeline.types import DeletionReceipt, Role, Wiped

UPLOAD = "upload"
MECHANISM = "overwritten with zeros, then released"


class UploadSink:
    """Takes one capture's bytes as they arrive, into anonymous memory that never grows by copying.

    The whole limit is reserved as address space at once; the kernel gives pages only as they are written, so a
    growing upload leaves no half-size copies behind in freed memory.
    """

    def __init__(self, role: Role, limit: int) -> None:
        self.role = role
        self.size = 0
        self._limit = limit
        self._memory = mmap.mmap(-1, limit, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._memory.madvise(mmap.MADV_DONTDUMP)

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Append; raises `CaptureTooLarge` at the first byte over the limit, `SessionExpired` once wiped."""
        data = memoryview(chunk).cast("B")
        if self._memory.closed:
            raise SessionExpired("The capture session has ended; its pictures are deleted.")
        if self.size + len(data) > self._limit:
            raise CaptureTooLarge(f"The capture {self.role} is larger than {self._limit} bytes.", capture=self.role)
        self._memory[self.size : self.size + len(data)] = data
        self.size += len(data)
        return len(data)

    @contextmanager
    def reading(self) -> Iterator[memoryview]:
        """The bytes received so far, read-only, for the length of the block."""
        whole = memoryview(self._memory)
        view = whole[: self.size].toreadonly()
        try:
            yield view
        finally:
            view.release()
            whole.release()

    def wipe(self) -> int:
        """Overwrite and release; returns how many bytes were held."""
        if self._memory.closed:
            return 0
        np.frombuffer(self._memory, dtype=np.uint8, count=self.size)[...] = 0
        # A decoder on another thread may still hold a view (the lifetime ended under it): it reads zeros now, and
        # the pages go when it lets go.
        with suppress(BufferError):
            self._memory.close()
        return self.size


@dataclass
class _Kind:
    count: int = 0
    bytes: int = 0
    wiped_at: str = ""


@dataclass
class VaultSession:
    """Everything held for one verification. Use it as a context manager; leaving it wipes.

    Stages do not see the session: the flow borrows an array for the length of a `with` block and hands it over.
    """

    limits: Limits
    _sinks: dict[Role, UploadSink] = field(default_factory=dict)
    _arrays: dict[tuple[str, str], NDArray[Any]] = field(default_factory=dict)
    _kinds: dict[str, _Kind] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _open: bool = True
    _timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.limits.lifetime_s, self.wipe)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        """Counts only."""
        return f"VaultSession(open={self._open}, buffers={self.outstanding})"

    @property
    def outstanding(self) -> int:
        """Buffers still held."""
        return len(self._sinks) + len(self._arrays)

    def ensure_open(self) -> None:
        """Raise `SessionExpired` once wiped: facts computed after that would be facts about zeros."""
        if not self._open:
            raise SessionExpired("The capture session has ended; its pictures are deleted.")

    def receive(self, role: Role) -> UploadSink:
        """A sink for one capture's bytes; raises `CaptureMissing` when the role was already received."""
        with self._lock:
            self.ensure_open()
            if role in self._sinks:
                raise CaptureMissing(f"The capture {role} was sent twice.", capture=role)
            sink = UploadSink(role, self.limits.max_capture_bytes)
            self._sinks[role] = sink
            return sink

    @contextmanager
    def upload(self, role: Role) -> Iterator[memoryview]:
        """The bytes of one capture; raises `CaptureMissing` or `CaptureEmpty`."""
        self.ensure_open()
        sink = self._sinks.get(role)
        if sink is None:
            raise CaptureMissing(f"The capture {role} is missing.", capture=role)
        if sink.size == 0:
            raise CaptureEmpty(f"The capture {role} has no bytes.", capture=role)
        with sink.reading() as view:
            yield view

    def put(self, kind: str, name: str, array: NDArray[Any]) -> None:
        """Hand an array over: the session owns its memory from here on and overwrites it in place.

        Args:
            kind: what it is, for the receipt: `decoded`, `rectified`, `crop`, `template`.
            name: which one, usually the role.
            array: must own writable memory; the caller keeps no reference.
        """
        if not array.flags.writeable:
            raise ValueError("the vault takes only arrays that it can overwrite")
        with self._lock:
            if not self._open:
                array.fill(0)
            self.ensure_open()
            self._arrays[kind, name] = array

    @contextmanager
    def borrow(self, kind: str, name: str) -> Iterator[NDArray[Any]]:
        """An array, read-only, for the length of the block; raises KeyError when there is none."""
        self.ensure_open()
        view = self._arrays[kind, name].view()
        view.flags.writeable = False
        yield view

    def wipe(self) -> DeletionReceipt:
        """Overwrite and release everything; the same receipt again when called again."""
        with self._lock:
            self._open = False
            if self._timer is not None:
                self._timer.cancel()
            for sink in self._sinks.values():
                self._note(UPLOAD, sink.wipe())
            self._sinks.clear()
            for (kind, _), array in self._arrays.items():
                array.fill(0)
                self._note(kind, array.nbytes)
            self._arrays.clear()
            return self._receipt()

    def _note(self, kind: str, size: int) -> None:
        entry = self._kinds.setdefault(kind, _Kind())
        entry.count += 1
        entry.bytes += size
        entry.wiped_at = datetime.now(UTC).isoformat(timespec="milliseconds")

    def _receipt(self) -> DeletionReceipt:
        return DeletionReceipt(
            wiped=tuple(Wiped(kind, k.count, k.bytes, k.wiped_at) for kind, k in sorted(self._kinds.items())),
            mechanism=MECHANISM,
            guards=guards.active(),
            outstanding=self.outstanding,
        )


@dataclass(frozen=True)
class Vault:
    """Opens sessions, each bounded in bytes and in time.

    Example:
        >>> vault = Vault(Limits())
        >>> with vault.open() as session:
        ...     session.receive(Role.SELFIE).write(b"picture bytes")
        13
        >>> session.wipe().outstanding
        0
    """

    limits: Limits

    def open(self) -> VaultSession:
        """A new session."""
        return VaultSession(self.limits)
