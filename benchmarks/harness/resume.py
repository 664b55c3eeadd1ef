"""Keeps the results of a long run in a file, so that the run can be stopped and resumed: names and numbers only.

The file holds one line of JSON per finished task. Its first line is a hash of the run's settings: a file of another
run is refused.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from idproof.benchmarks.errors import RunNotResumable
from idproof.pipeline.executors.task_runner import TaskRunner

Task = TypeVar("Task")
Result = TypeVar("Result")


class ResumeFile(Generic[Result]):
    """The results of finished tasks, by the task's index.

    Args:
        file: where results are written; None keeps them in memory only.
        settings: everything that must be equal for a run to be resumed: tasks, seeds, weights, limits.
        settings_named: the settings in words, for the error that says they differ.
        encode: turns a result into what JSON can hold.
        decode: the inverse of `encode`.

    Attributes:
        done: index of the task to its result.

    Raises:
        RunNotResumable: the file belongs to another run, or cannot be read or written.
    """

    def __init__(
        self,
        file: Path | None,
        settings: Sequence[Any],
        settings_named: str,
        *,
        encode: Callable[[Result], Any],
        decode: Callable[[Any], Result],
    ) -> None:
        self._file = file
        self._encode, self._decode = encode, decode
        digest = hashlib.sha256(json.dumps(settings).encode())
        self._header = json.dumps({"run": digest.hexdigest()})
        self.done: dict[int, Result] = {}
        if file is not None:
            self._open(file, settings_named)

    def run(
        self,
        runner: TaskRunner,
        function: Callable[..., Result],
        tasks: Sequence[Task],
        *shared: Any,
        after_each: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        """Runs the tasks that are not done yet; returns the results of all tasks, in their order.

        `after_each` is called after each result is stored.
        """
        remaining = [index for index in range(len(tasks)) if index not in self.done]
        results = runner(function, [tasks[index] for index in remaining], *shared)
        for index, result in zip(remaining, results, strict=True):
            self.add(index, result)
            after_each()
        return [self.done[index] for index in range(len(tasks))]

    def add(self, index: int, result: Result) -> None:
        """Stores the result of the task with this index."""
        self.done[index] = result
        self._write([json.dumps({"place": index, "ended": self._encode(result)})])

    def _open(self, file: Path, settings_named: str) -> None:
        try:
            lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
        except (OSError, UnicodeDecodeError):
            raise RunNotResumable(f"{file.name} cannot be read.") from None
        if not lines:
            self._write([self._header])
            return
        if lines[0] != self._header:
            raise RunNotResumable(f"{file.name} is of other {settings_named}.")
        for line in lines[1:-1]:  # text after the last line break was cut off while it was written
            entry = json.loads(line)
            self.done[entry["place"]] = self._decode(entry["ended"])
        if lines[-1]:
            file.unlink()
            self._write(lines[:-1])

    def _write(self, lines: Sequence[str]) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write("".join(line + "\n" for line in lines))
        except OSError:
            raise RunNotResumable(f"{self._file.name} cannot be written.") from None
