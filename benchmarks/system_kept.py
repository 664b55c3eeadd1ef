"""What a long system run has done so far, in a file, so that it can be stopped and resumed: names and numbers only.

One line of JSON a card. The first line says of what: other sets, attempts, weights or policy are refused.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from idproof.benchmarks.output import attempt_id
from idproof.benchmarks.system_attempts import Trial
from idproof.benchmarks.system_causes import Ended
from idproof.models.errors import IdproofError


class KeptInvalid(IdproofError):
    """The file holds no part of this run."""

    code = "run_not_resumable"


class Kept:
    """Cards that were tried, and how their attempts ended.

    Args:
        file: where it is kept; None to keep nothing.
        tasks: all trials of the run.
        settings: what else must be the same, such as weights and policy.

    Raises:
        KeptInvalid: the file is of another run, or cannot be read or written.
    """

    def __init__(self, file: Path | None, tasks: Sequence[Trial], settings: Sequence[str]) -> None:
        self._file = file
        self._places = [_place(task) for task in tasks] if file is not None else []
        digest = hashlib.sha256(json.dumps([*self._places, *settings]).encode())
        self._header = json.dumps({"run": digest.hexdigest()})
        self.done: dict[int, list[Ended]] = {}
        if file is not None:
            self._open(file)

    def add(self, place: int, ended: Sequence[Ended]) -> None:
        """Take in the trial at this place among all."""
        self.done[place] = list(ended)
        if self._file is not None:
            self._write([json.dumps({"place": place, "ended": [asdict(each) for each in ended]})])

    def _open(self, file: Path) -> None:
        try:
            lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
        except (OSError, UnicodeDecodeError):
            raise KeptInvalid(f"{file.name} cannot be read.") from None
        if not lines:
            self._write([self._header])
            return
        if lines[0] != self._header:
            raise KeptInvalid(f"{file.name} is of other registrations, attempts, weights or policy.")
        for line in lines[1:-1]:  # what follows the last line's end was cut off while it was written
            entry = json.loads(line)
            self.done[entry["place"]] = [_ended(each) for each in entry["ended"]]
        if lines[-1]:
            self._rewrite(file, lines[:-1])

    def _rewrite(self, file: Path, lines: Sequence[str]) -> None:
        file.unlink()
        self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write("".join(line + "\n" for line in lines))
        except OSError:
            raise KeptInvalid(f"{self._file.name} cannot be written.") from None


def _place(task: Trial) -> list[str]:
    return [attempt_id(task.card, each.selfie) + each.kind for each in task.attempts]


def _ended(entry: dict[str, object]) -> Ended:
    objections = entry["objections"]
    told = {stage: tuple(names) for stage, names in objections.items()} if isinstance(objections, dict) else {}
    rows = {name: tuple(row) for name in ("reasons", "labels") if isinstance(row := entry[name], list)}
    return Ended(str(entry["kind"]), str(entry["attempt"]), str(entry["decision"]), objections=told, **rows)
