"""Renders and measures rows of films, one after the other or over processes."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from idproof.pipeline.executors.task_runner import TaskRunner

T = TypeVar("T")


def measure_films(
    measure: Callable[..., T],
    wanted: Mapping[Any, int],
    first: int,
    arguments: tuple[Any, ...],
    runner: TaskRunner,
    progress: Callable[[int, int], None],
) -> list[T]:
    """Measures films of several kinds, in order.

    Args:
        measure: renders and measures one film, given its kind and number and the arguments.
        wanted: number of films of each kind.
        first: number of the first film of each kind.
        arguments: of every film.
        runner: over processes or a cluster.
        progress: called with films done and in total.
    """
    tasks = [(kind, first + index) for kind, n in wanted.items() for index in range(n)]
    films: list[T] = []
    for film in runner(measure, tasks, *arguments):
        films.append(film)
        progress(len(films), len(tasks))
    return films
