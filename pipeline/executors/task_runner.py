"""Runs one function on many tasks: in this process, in processes of this machine, or on a Ray cluster."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
ExecutorName = Literal["in-process", "ray"]

_TASKS_PER_CHUNK = 2
"""Chosen by hand; no outside source. A task takes seconds, so a larger chunk would leave workers idle at the end."""


@dataclass(frozen=True)
class TaskRunner:
    """Runs one function on many tasks.

    Attributes:
        workers: processes of this machine; with one worker the tasks run in the calling process.
        executor: `ray` runs the tasks on a cluster instead, one core per task.
        address: of the cluster; None starts one on this machine.
    """

    workers: int = 1
    executor: ExecutorName = "in-process"
    address: str | None = None

    def __call__(self, function: Callable[..., Result], tasks: Sequence[Task], *shared: Any) -> Iterable[Result]:
        """Yield `function(task, *shared)` for every task, in order.

        The function, the tasks, `shared` and the results must be picklable. A cluster receives `shared` once, not with
        every task.
        """
        if self.executor == "ray":
            from idproof.pipeline.executors import ray_cluster

            ray_cluster.start(self.address)
            yield from ray_cluster.run_tasks(function, tasks, *shared)
        elif self.workers == 1:
            yield from (function(task, *shared) for task in tasks)
        else:
            with ProcessPoolExecutor(self.workers) as pool:
                yield from pool.map(partial(_call, function, shared), tasks, chunksize=_TASKS_PER_CHUNK)


def _call(function: Callable[..., Result], shared: tuple[Any, ...], task: Any) -> Result:
    return function(task, *shared)


SEQUENTIAL = TaskRunner()
"""Runs one task after the other in the calling process."""
