"""Runs independent steps of registrations side by side, on a fixed number of threads of this process.

The work is in OpenCV, numpy and onnxruntime, which release the interpreter lock while they compute.

The number of threads is a budget: the threads that examine, callers' threads included, are never more than it. A
registration alone uses all of them; with as many registrations as threads each one has its own, and nothing is lost to
threads that take a core from each other.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from idproof.pipeline.vault import guards

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


@dataclass(eq=False)
class _Group:
    """The calls of one `run`.

    Attributes:
        calls: in the order in which they are begun.
        on_failure: see `Branches.run`.
        begun: number of calls that were begun: the first ones.
        results: of the calls that ended, by their place.
        errors: of the calls that raised, by their place.
        working: threads that work on it, beside the caller's.
    """

    calls: tuple[Callable[[], Any], ...]
    on_failure: Callable[[], object]
    begun: int = 0
    results: dict[int, Any] = field(default_factory=dict)
    errors: dict[int, BaseException] = field(default_factory=dict)
    working: int = 0
    reported: bool = False

    @property
    def open(self) -> bool:
        """True if there are calls to begin. After an error none begins."""
        return self.begun < len(self.calls) and not self.errors

    def call(self, place: int) -> None:
        """Make one call, and keep its result or error."""
        try:
            self.results[place] = self.calls[place]()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            guards.clear_frames(error)  # in the thread whose small arrays they hold, before it overwrites those
            self.errors[place] = error

    def failed(self) -> bool:
        """True once, when the error that will be raised is certain: no call before it can raise another."""
        if self.reported or not self.errors:
            return False
        # Calls are begun in order, so each call before the first error was begun.
        self.reported = all(place in self.results for place in range(min(self.errors)))
        return self.reported


class Branches:
    """Runs calls side by side; with a width of 1, one after the other in the caller's thread.

    A caller works on its own calls; idle threads of the budget help it, the oldest caller first, as long as no other
    caller waits for a thread. While a caller waits for its helpers' last calls, its place in the budget is free for
    others.

    Args:
        width: number of threads, shared by all registrations of the process, callers included. With 1 there is no
            budget: each caller works in its own thread, and whoever calls bounds how many do.
    """

    def __init__(self, width: int = 1) -> None:
        if width < 1:
            raise ValueError("width is at least one thread")
        self.width = width
        self._changed = threading.Condition()
        self._free = width
        self._waiting = 0  # callers without a thread of the budget
        self._groups: list[_Group] = []
        self._closed = False
        self._own = threading.local()
        self._helpers = [
            threading.Thread(target=self._help, name=f"branch-{number}", daemon=True) for number in range(1, width)
        ]
        for helper in self._helpers:
            helper.start()

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Count the caller's thread into the budget for the length of the block; waits until there is room.

        What an error ends within the block keeps nothing in memory.
        """
        counted = self.width > 1 and not getattr(self._own, "counted", False)
        if counted:
            with self._changed:
                self._take()
            self._own.counted = True
        try:
            yield
        except BaseException as error:
            guards.clear_frames(error)
            raise
        finally:
            if counted:
                self._own.counted = False
                with self._changed:
                    self._give()

    @overload
    def run(
        self, one: Callable[[], A], two: Callable[[], B], /, *, on_failure: Callable[[], object] = ...
    ) -> tuple[A, B]: ...

    @overload
    def run(
        self,
        one: Callable[[], A],
        two: Callable[[], B],
        three: Callable[[], C],
        /,
        *,
        on_failure: Callable[[], object] = ...,
    ) -> tuple[A, B, C]: ...

    @overload
    def run(
        self,
        one: Callable[[], A],
        two: Callable[[], B],
        three: Callable[[], C],
        four: Callable[[], D],
        /,
        *,
        on_failure: Callable[[], object] = ...,
    ) -> tuple[A, B, C, D]: ...

    @overload
    def run(self, *calls: Callable[[], A], on_failure: Callable[[], object] = ...) -> tuple[A, ...]: ...

    def run(self, *calls: Callable[[], Any], on_failure: Callable[[], object] = lambda: None) -> tuple[Any, ...]:
        """Return the calls' results, in order, after all have ended: no call still reads when the pictures are wiped.

        Args:
            calls: begun in this order.
            on_failure: called once, as soon as it is certain which error will be raised, while other calls may still
                be under way; it makes them end early. An error of its own is left out.

        Raises:
            BaseException: of the first call, in order, that raised, whichever ended first. Calls that were not begun
                by then are left out.
        """
        if self.width == 1:
            return tuple(call() for call in calls)
        group = _Group(calls, on_failure)
        with self.thread():
            with self._changed:
                self._groups.append(group)
                self._changed.notify_all()
                place = self._begin(group)
            while place is not None:
                place = self._call(group, place)
            with self._changed:
                if group.working:
                    self._give()
                    self._changed.wait_for(lambda: not group.working)
                    self._take()
        if group.errors:
            guards.flush_small_arrays()  # `on_failure` may have wiped from another thread, which flushed its own
            try:
                raise group.errors[min(group.errors)]
            finally:
                # The error knows this frame, and so the group: a cycle, which would keep what the failed call held,
                # such as a half decoded picture, until the garbage collector runs.
                group.errors.clear()
        return tuple(group.results[place] for place in range(len(calls)))

    def close(self) -> None:
        """End the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for helper in self._helpers:
            helper.join()

    def _help(self) -> None:
        self._own.counted = True
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or (self._groups and self._free and not self._waiting))
                if self._closed:
                    return
                group = self._groups[0]
                place = self._begin(group)
                group.working += 1
                self._free -= 1
            try:
                while place is not None:
                    place = self._call(group, place, helping=True)
                guards.flush_small_arrays()  # before the group can end: numpy caches freed small arrays per thread
            finally:
                with self._changed:  # whatever happened, else the caller would wait for ever
                    group.working -= 1
                    self._give()
            del group  # its results are the caller's

    def _call(self, group: _Group, place: int, *, helping: bool = False) -> int | None:
        """Make a call that this thread has begun, and begin the next one, if there is one to begin."""
        group.call(place)
        with self._changed:
            failed = group.failed()
            if group.errors and group in self._groups:
                self._groups.remove(group)
            following = None if helping and self._waiting else self._begin(group)
        if failed:
            # Its own error must not end this thread, nor let the caller go before the other calls have ended: the
            # registration fails by its first error.
            with suppress(Exception):
                group.on_failure()
        return following

    def _begin(self, group: _Group) -> int | None:
        """Begin the next call of a group; None if there is none."""
        if not group.open:
            return None
        place = group.begun
        group.begun += 1
        if group.begun == len(group.calls):
            self._groups.remove(group)
        return place

    def _take(self) -> None:
        self._waiting += 1
        self._changed.wait_for(lambda: self._free)
        self._waiting -= 1
        self._free -= 1
        self._changed.notify_all()  # helpers, which hold back while anybody waits

    def _give(self) -> None:
        self._free += 1
        self._changed.notify_all()


ONE_AFTER_ANOTHER = Branches(1)
"""Runs calls one after another in the caller's thread."""
