"""Parts of one registration that do not depend on each other, side by side on threads of this process.

The work is in OpenCV, numpy and onnxruntime, which let go of the interpreter while they compute.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar, overload

from idproof.pipeline.vault import guards

A = TypeVar("A")
B = TypeVar("B")


class Branches:
    """Runs calls side by side; with a width of one, one after the other in the caller's own thread.

    Args:
        width: threads, shared by all registrations of the process.
    """

    def __init__(self, width: int = 1) -> None:
        if width < 1:
            raise ValueError("at least one thread does the work")
        self.width = width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="branch") if width > 1 else None

    @overload
    def run(self, one: Callable[[], A], other: Callable[[], B], /) -> tuple[A, B]: ...

    @overload
    def run(self, *calls: Callable[[], A]) -> tuple[A, ...]: ...

    def run(self, *calls: Callable[[], Any]) -> tuple[Any, ...]:
        """What each call returned, in order, after all have ended: none still reads when the pictures are wiped.

        Raises:
            Exception: that of the first call, in order, that raised: the same one whatever ended first.
        """
        if self._pool is None:
            return tuple(call() for call in calls)
        begun = [self._pool.submit(_tidily, call) for call in calls]
        wait(begun)
        return tuple(each.result() for each in begun)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _tidily(call: Callable[[], A]) -> A:
    try:
        return call()
    finally:
        guards.flush_small_arrays()  # numpy keeps freed small arrays for each thread
