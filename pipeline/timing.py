"""Durations of the stages of a verification."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class StageTimer:
    """Records the milliseconds that each stage took, on whatever thread; the parts of a stage are added up.

    Attributes:
        timings_ms: stage to milliseconds; stages and parts that run side by side overlap.
    """

    timings_ms: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = (time.perf_counter() - start) * 1000
            with self._lock:
                self.timings_ms[name] = round(self.timings_ms.get(name, 0.0) + taken, 2)
