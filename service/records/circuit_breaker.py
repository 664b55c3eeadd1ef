"""Circuit breaker for concurrent callers: pybreaker's states, and a single caller that tries a broken service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pybreaker
from pybreaker import CircuitBreakerError

__all__ = ["CircuitBreaker", "CircuitBreakerError"]


class CircuitBreaker:
    """Refuses calls for a while after several failures in a row. Safe to use from several threads.

    pybreaker 1.4 holds its lock for as long as a function runs that is given to its `call`, which would send callers to
    the service one after another; its context manager does not, but lets every caller try once the circuit is half
    open. This class uses the context manager and adds a lock that only a trial takes.

    Args:
        failures: number of failures in a row that open the circuit.
        open_s: seconds for which it stays open, by the system's clock.
        counted: exceptions that are failures; any other exception shows that the service answered.

    Example:
        >>> breaker = CircuitBreaker(failures=1, open_s=60, counted=(OSError,))
        >>> for _ in range(2):
        ...     try:
        ...         with breaker.calling():
        ...             raise TimeoutError
        ...     except (TimeoutError, CircuitBreakerError) as error:
        ...         print(type(error).__name__)
        TimeoutError
        CircuitBreakerError
    """

    def __init__(self, failures: int, open_s: float, counted: tuple[type[Exception], ...]) -> None:
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=open_s,
            exclude=[lambda error: not isinstance(error, counted)],
            throw_new_error_on_trip=False,  # the failure that opens the circuit is raised as it is
        )
        self._trial = threading.Lock()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Guards the call in the `with` block and counts its outcome.

        Raises:
            CircuitBreakerError: the circuit is open, or another thread's trial is still running.
        """
        if self._breaker.current_state == pybreaker.STATE_CLOSED:
            with self._breaker.calling():
                yield
            return
        if not self._trial.acquire(blocking=False):
            raise CircuitBreakerError("Another thread is trying the service.")
        try:
            with self._breaker.calling():
                yield
        finally:
            self._trial.release()
