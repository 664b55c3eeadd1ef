"""How rendering and measuring is spread: in this process, over processes of this machine, or over a Ray cluster."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

Task = TypeVar("Task")
Found = TypeVar("Found")
Where = Literal["in-process", "ray"]


@dataclass(frozen=True)
class Spread:
    """Runs one function on many tasks.

    Attributes:
        workers: processes of this machine; the tasks stay in this one for a single worker.
        executor: `ray` for a cluster instead, a core for each task.
        address: of the cluster; None for one that begins on this machine.
    """

    workers: int = 1
    executor: Where = "in-process"
    address: str | None = None

    def __call__(self, measure: Callable[..., Found], tasks: Sequence[Task], *shared: Any) -> Iterable[Found]:
        """`measure(task, *shared)` of every task, in their order; all of it can be pickled.

        What is shared goes to a cluster once, not with every task.
        """
        if self.executor == "ray":
            from idproof.pipeline.executors import ray_cluster

            ray_cluster.start(self.address)
            yield from ray_cluster.spread(measure, tasks, *shared)
        elif self.workers == 1:
            yield from (measure(task, *shared) for task in tasks)
        else:
            with ProcessPoolExecutor(self.workers) as pool:
                yield from pool.map(partial(_of, measure, shared), tasks, chunksize=2)


def _of(measure: Callable[..., Found], shared: tuple[Any, ...], task: Any) -> Found:
    return measure(task, *shared)


HERE = Spread()
"""One task after the other, in this process."""
