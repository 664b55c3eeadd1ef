"""What a long system run has done so far, in a file, so that it can be stopped and resumed: names and numbers only."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from idproof.benchmarks.errors import RunNotResumable
from idproof.benchmarks.harness.output import attempt_id
from idproof.benchmarks.harness.resume import KeptLines
from idproof.benchmarks.system.attempts import Trial
from idproof.benchmarks.system.causes import Ended

__all__ = ["Kept", "RunNotResumable"]


class Kept:
    """Cards that were tried, and how their attempts ended.

    Args:
        file: where it is kept; None to keep nothing.
        tasks: all trials of the run.
        settings: what else must be the same, such as weights and policy.

    Raises:
        RunNotResumable: the file is of another run, or cannot be read or written.
    """

    def __init__(self, file: Path | None, tasks: Sequence[Trial], settings: Sequence[str]) -> None:
        places = [_place(task) for task in tasks] if file is not None else []
        self._lines = KeptLines(file, [*places, *settings], "registrations, attempts, weights or policy")
        self.done = {place: [_ended(each) for each in rows] for place, rows in self._lines.done.items()}

    def add(self, place: int, ended: Sequence[Ended]) -> None:
        """Take in the trial at this place among all."""
        self.done[place] = list(ended)
        self._lines.add(place, [asdict(each) for each in ended])


def _place(task: Trial) -> list[str]:
    return [attempt_id(task.card, each.selfie) + each.kind for each in task.attempts]


def _ended(entry: dict[str, object]) -> Ended:
    objections = entry["objections"]
    told = {stage: tuple(names) for stage, names in objections.items()} if isinstance(objections, dict) else {}
    rows = {name: tuple(row) for name in ("reasons", "labels") if isinstance(row := entry[name], list)}
    return Ended(str(entry["kind"]), str(entry["attempt"]), str(entry["decision"]), objections=told, **rows)
