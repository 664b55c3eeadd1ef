"""Holds the pictures and templates of one verification, and overwrites them before the verdict leaves.

A session lasts as long as one verification. Everything that is put into it is overwritten with zeros when the session's
block is left, normally or by an exception, and at the latest when its lifetime ends, even if a client stalls.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from numpy.typing import NDArray

from idproof.pipeline.config import Limits
from idproof.pipeline.errors import CaptureEmpty, CaptureMissing, SessionExpired
from idproof.pipeline.types import DeletionReceipt, Role, Wiped
from idproof.pipeline.vault import guards
from idproof.pipeline.vault.buffers import HeldArray, UploadSink, refuse_if_wiped
from idproof.pipeline.vault.kinds import UPLOAD
from idproof.pipeline.vault.pages import Pages
from idproof.pipeline.vault.sealer import Sealer

MECHANISM = "overwritten with zeros, then released"


@dataclass
class _KindTotals:
    """Totals of the overwritten buffers of one kind, for the receipt."""

    count: int = 0
    bytes: int = 0
    wiped_at: str = ""
    roles: set[str] = field(default_factory=set)


@dataclass(eq=False)
class VaultSession:
    """Holds all buffers of one verification. Use it as a context manager; leaving it wipes.

    Stages do not see the session: `examine` borrows an array for the length of a `with` block and hands it over.
    """

    limits: Limits
    _sinks: dict[str, UploadSink] = field(default_factory=dict)
    _arrays: dict[tuple[str, str], HeldArray] = field(default_factory=dict)
    _kinds: dict[str, _KindTotals] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _open: bool = True
    _timer: threading.Timer | None = None
    _sealer: Sealer | None = None
    _flushed: bool = False
    _ends_at: float = 0.0
    _end_calls: list[Callable[[], object]] = field(default_factory=list)
    _other_receipts: list[DeletionReceipt] = field(default_factory=list)
    _copier: "Callable[[VaultSession], int] | None" = None
    _copies: int = 0
    _protector: "Callable[[VaultSession], int] | None" = None
    _protected: int = 0

    def __enter__(self) -> Self:
        self._end_after(self.limits.lifetime_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        """Shows counts only."""
        return f"VaultSession(open={self._open}, buffers={self.outstanding})"

    @property
    def outstanding(self) -> int:
        """Buffers still held."""
        return len(self._sinks) + len(self._arrays)

    @property
    def upload_names(self) -> tuple[str, ...]:
        """Names of the captures and frames that hold bytes."""
        with self._lock:
            return tuple(name for name, sink in self._sinks.items() if sink.size)

    @property
    def remaining_s(self) -> float:
        """Seconds until everything is wiped; 0 after that."""
        return max(0.0, self._ends_at - time.monotonic()) if self._open else 0.0

    @contextmanager
    def on_end(self, call: Callable[[], object]) -> Iterator[None]:
        """Make this call if the session ends within the block, to stop work for it in another process."""
        with self._lock:
            self.ensure_open()
            self._end_calls.append(call)
        try:
            yield
        finally:
            with self._lock:
                self._end_calls.remove(call)

    def extend(self, seconds: float) -> None:
        """Overwrite everything that much later than before; raises `SessionExpired` where that is done already.

        How often and how far is for the caller to bound: the session itself only moves the end of its lifetime.
        """
        with self._lock:
            self.ensure_open()
            self._end_after(self.remaining_s + seconds)

    def copy_with(self, copier: "Callable[[VaultSession], int]") -> None:
        """Let this call make copies of the captures, sealed for people, where a verification comes to need a person.

        Args:
            copier: returns the number of sealed copies that it made.
        """
        self._copier = copier

    def make_copies(self) -> None:
        """Make the sealed copies, if `copy_with` asked for any; the receipt counts them."""
        if self._copier is not None:
            self._copies = self._copier(self)

    def protect_with(self, protector: "Callable[[VaultSession], int]") -> None:
        """Let this call encrypt the face template for later step-ups, where a verification accepts.

        Args:
            protector: returns the number of protected templates that now exist.
        """
        self._protector = protector

    def protect_template(self) -> None:
        """Encrypt the face template, if `protect_with` asked for it; the receipt counts it."""
        if self._protector is not None:
            self._protected = self._protector(self)

    def include(self, receipt: DeletionReceipt) -> None:
        """Add the receipt of another process that held buffers for this session; the own receipt covers both."""
        self._other_receipts.append(receipt)

    def ensure_open(self) -> None:
        """Raise `SessionExpired` once wiped: results computed after that would be results about zeros."""
        if not self._open:
            raise SessionExpired("The capture session has ended; its pictures are deleted.")

    def receive(self, role: str, limit: int | None = None) -> UploadSink:
        """Open a sink for the bytes of one capture, by its role, or of one frame, by its name.

        Args:
            role: or name.
            limit: bytes, where the size is known already; else the limit of captures or of frames.

        Raises:
            CaptureMissing: it was already received.
        """
        with self._lock:
            self.ensure_open()
            if role in self._sinks:
                raise CaptureMissing(f"The capture {role} was sent twice.", capture=role)
            limits = self.limits
            usual = limits.max_capture_bytes if role in set(Role) else limits.max_frame_bytes
            sink = UploadSink(role, usual if limit is None else limit)
            self._sinks[role] = sink
            return sink

    def rename(self, name: str, other: str) -> None:
        """Rename an upload without a copy; an upload that has the other name is overwritten first."""
        with self._lock:
            self.ensure_open()
            self.discard(other)
            sink = self._sinks.pop(name)
            sink.role = other
            self._sinks[other] = sink

    def discard(self, name: str, kind: str = UPLOAD) -> None:
        """Overwrite one upload, if it is held, and count it in the receipt under this kind."""
        with self._lock:
            sink = self._sinks.pop(name, None)
            if sink is not None:
                self._count(kind, kind if kind != UPLOAD else name, sink.wipe())

    @contextmanager
    def upload(self, role: str) -> Iterator[memoryview]:
        """Lend the bytes of one capture or frame, read-only, for the length of the block.

        Raises:
            CaptureMissing: nothing was received under this name.
            CaptureEmpty: it has no bytes.
            SessionExpired: they were overwritten, before the block or within it; the block's result or error is then
                discarded, since it may be about zeros.
        """
        with self._lock:
            self.ensure_open()
            sink = self._sinks.get(role)
        if sink is None:
            raise CaptureMissing(f"The capture {role} is missing.", capture=role)
        if sink.size == 0:
            raise CaptureEmpty(f"The capture {role} has no bytes.", capture=role)
        with sink.reading() as view:
            yield view

    def put(self, kind: str, name: str, array: NDArray[Any]) -> None:
        """Move an array into pages of the vault; the caller's array is overwritten with zeros.

        Args:
            kind: see `kinds`; the receipt counts by it.
            name: within its kind, usually the role; an array under the same name, such as the previous frame of a
                stream, is overwritten first.
            array: must own writable memory.
        """
        if not array.flags.writeable:
            raise ValueError("the vault takes only arrays that it can overwrite")
        try:
            with self._lock:
                self.ensure_open()
                self._overwrite(kind, name)
                values = Pages(array.nbytes).array(array.shape, array.dtype)
                values[...] = array
                self._arrays[kind, name] = HeldArray(values)
        finally:
            array.fill(0)

    def sealer(self) -> Sealer:
        """Return the sealer for buffers that cross to another process; its key is destroyed with the session."""
        with self._lock:
            self.ensure_open()
            if self._sealer is None:
                self._sealer = Sealer()
            return self._sealer

    @contextmanager
    def borrow(self, kind: str, name: str) -> Iterator[NDArray[Any]]:
        """Lend an array, read-only, for the length of the block.

        Raises:
            KeyError: none is held under this name.
            SessionExpired: it was overwritten, before the block or within it, as in `upload`.
        """
        with self._lock:
            self.ensure_open()
            held = self._arrays[kind, name]
        view = held.values.view()
        view.flags.writeable = False
        with refuse_if_wiped(held):
            yield view

    def discard_array(self, kind: str, name: str) -> None:
        """Overwrite one array, if it is held."""
        with self._lock:
            self._overwrite(kind, name)

    def holds(self, kind: str, name: str) -> bool:
        """True if an array is held under this name."""
        with self._lock:
            return (kind, name) in self._arrays

    def wipe(self) -> DeletionReceipt:
        """Overwrite and release everything; the same receipt again when called again."""
        with self._lock:
            if self._open:
                self._open = False
                for call in self._end_calls:
                    call()
            if self._timer is not None:
                self._timer.cancel()
            for role, sink in self._sinks.items():
                self._count(UPLOAD, role, sink.wipe())
            self._sinks.clear()
            for kind, name in list(self._arrays):
                self._overwrite(kind, name)
            if self._sealer is not None:
                self._sealer.destroy()
            if not self._flushed:
                guards.flush_small_arrays()
                self._flushed = True
            return self._receipt()

    def _end_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ends_at = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._wipe_at_end)
        self._timer.daemon = True
        self._timer.start()

    def _wipe_at_end(self) -> None:
        """Overwrite everything, unless the end was moved while this waited for the lock."""
        with self._lock:
            if time.monotonic() >= self._ends_at:
                self.wipe()

    def _overwrite(self, kind: str, name: str) -> None:
        held = self._arrays.pop((kind, name), None)
        if held is not None:
            self._count(kind, name, held.wipe())

    def _count(self, kind: str, role: str, size: int) -> None:
        entry = self._kinds.setdefault(kind, _KindTotals())
        entry.roles.add(str(role))
        entry.count += 1
        entry.bytes += size
        entry.wiped_at = datetime.now(UTC).isoformat(timespec="milliseconds")

    def _receipt(self) -> DeletionReceipt:
        here = DeletionReceipt(
            wiped=tuple(
                Wiped(kind, k.count, k.bytes, k.wiped_at, tuple(sorted(k.roles)))
                for kind, k in sorted(self._kinds.items())
            ),
            mechanism=MECHANISM,
            guards=guards.active(),
            outstanding=self.outstanding,
            sealed_copies=self._copies,
            protected_templates=self._protected,
        )
        return reduce(_merge_receipts, self._other_receipts, here)


def _merge_receipts(one: DeletionReceipt, other: DeletionReceipt) -> DeletionReceipt:
    """Merge the receipts of two processes; a guard is listed if it held in both."""
    kinds: dict[str, Wiped] = {}
    for entry in (*one.wiped, *other.wiped):
        before = kinds.get(entry.kind, Wiped(entry.kind, 0, 0, ""))
        kinds[entry.kind] = Wiped(
            entry.kind,
            before.count + entry.count,
            before.bytes + entry.bytes,
            max(before.wiped_at, entry.wiped_at),
            tuple(sorted({*before.roles, *entry.roles})),
        )
    return DeletionReceipt(
        wiped=tuple(kinds[kind] for kind in sorted(kinds)),
        mechanism=one.mechanism,
        guards=tuple(name for name in one.guards if name in other.guards),
        outstanding=one.outstanding + other.outstanding,
        sealed_copies=one.sealed_copies + other.sealed_copies,
        protected_templates=one.protected_templates + other.protected_templates,
    )


@dataclass(frozen=True)
class Vault:
    """Opens sessions that are bounded in bytes and in time.

    Example:
        >>> vault = Vault(Limits())
        >>> with vault.open() as session:
        ...     session.receive(Role.SELFIE).write(b"picture bytes")
        13
        >>> session.wipe().outstanding
        0
    """

    limits: Limits
    _sessions: WeakSet[VaultSession] = field(default_factory=WeakSet, repr=False, compare=False)

    def open(self, lifetime_s: float | None = None) -> VaultSession:
        """Open a session, with a shorter lifetime where the rest of another session's bounds it."""
        limits = self.limits if lifetime_s is None else replace(self.limits, lifetime_s=lifetime_s)
        session = VaultSession(limits)
        self._sessions.add(session)
        return session

    def close(self) -> None:
        """Wipe every session that is still open: the process is about to end."""
        for session in list(self._sessions):
            session.wipe()
