"""Runs independent steps of one registration side by side, on threads of this process.

The work is in OpenCV, numpy and onnxruntime, which release the interpreter lock while they compute.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar, overload

from idproof.pipeline.vault import guards

A = TypeVar("A")
B = TypeVar("B")


class Branches:
    """Runs calls side by side; with a width of 1, one after the other in the caller's thread.

    Args:
        width: number of threads, shared by all registrations of the process.
    """

    def __init__(self, width: int = 1) -> None:
        if width < 1:
            raise ValueError("width is at least one thread")
        self.width = width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="branch") if width > 1 else None

    @overload
    def run(self, one: Callable[[], A], other: Callable[[], B], /) -> tuple[A, B]: ...

    @overload
    def run(self, *calls: Callable[[], A]) -> tuple[A, ...]: ...

    def run(self, *calls: Callable[[], Any]) -> tuple[Any, ...]:
        """Return the calls' results, in order, after all have ended: no call still reads when the pictures are wiped.

        Raises:
            Exception: of the first call, in order, that raised, whichever ended first.
        """
        if self._pool is None:
            return tuple(call() for call in calls)
        futures = [self._pool.submit(_call_and_flush, call) for call in calls]
        wait(futures)
        return tuple(future.result() for future in futures)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _call_and_flush(call: Callable[[], A]) -> A:
    try:
        return call()
    finally:
        guards.flush_small_arrays()  # numpy caches freed small arrays per thread
