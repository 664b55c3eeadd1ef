"""What a long run has done so far, in a file, so that it can be stopped and resumed: names and numbers only.

One line of JSON a task. The first line says of what run: a file of another one is refused.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idproof.benchmarks.errors import RunNotResumable


class KeptLines:
    """Tasks by their place among all, and what each gave.

    Args:
        file: where it is kept; None to keep nothing.
        settings: what must be the same for a run to be resumed: tasks, seeds, weights, limits.
        of: what the settings are, for the error that says they differ.

    Raises:
        RunNotResumable: the file is of another run, or cannot be read or written.
    """

    def __init__(self, file: Path | None, settings: Sequence[Any], of: str) -> None:
        self._file = file
        digest = hashlib.sha256(json.dumps(settings).encode())
        self._header = json.dumps({"run": digest.hexdigest()})
        self.done: dict[int, Any] = {}
        if file is not None:
            self._open(file, of)

    def add(self, place: int, ended: Any) -> None:
        """Take in what the task at this place gave: anything that JSON can hold."""
        self.done[place] = ended
        self._write([json.dumps({"place": place, "ended": ended})])

    def _open(self, file: Path, of: str) -> None:
        try:
            lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
        except (OSError, UnicodeDecodeError):
            raise RunNotResumable(f"{file.name} cannot be read.") from None
        if not lines:
            self._write([self._header])
            return
        if lines[0] != self._header:
            raise RunNotResumable(f"{file.name} is of other {of}.")
        for line in lines[1:-1]:  # what follows the last line's end was cut off while it was written
            kept = json.loads(line)
            self.done[kept["place"]] = kept["ended"]
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
