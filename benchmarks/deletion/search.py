"""Searches memory and files for needles, in a process of its own that never held_texts a picture.

`python -m idproof.benchmarks.deletion.search` reads requests on standard input, one JSON object per line, and
answers each with one line. `{"load": n, "texts": […]}` is followed by n needles of 32 bytes; `{"search": {…}}` names
what to search. Needles come through a pipe, so that no file holds them.
"""

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Table
from idproof.benchmarks.harness.processes import marked_processes, session_processes

BLOCK_BYTES = 16 * 1024 * 1024
"""Bytes read at once: large enough for speed, small enough for memory. Chosen by hand."""
_KERNEL_MAPPINGS = ("[vvar]", "[vsyscall]", "[vvar_vclock]")
_NOT_ON_DISK = ("/proc", "/sys", "/dev")


@dataclass
class SearchResult:
    """The needles and texts that a search found, and the places that it covered.

    Attributes:
        found: place (`memory`, `files`, `shared_memory`, `open_files`) to the numbers of needles found there.
        texts: place to the field texts found there.
        searched: place to bytes.
        processes: number of processes searched.
        unreadable: memory spans and files that exist and could not be read; they were not searched.
        where: files in which something was found.
    """

    found: dict[str, set[int]] = field(default_factory=dict)
    texts: dict[str, set[int]] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    processes: int = 0
    unreadable: list[str] = field(default_factory=list)
    where: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """Returns the result with lists instead of sets."""
        sets = {"found": self.found, "texts": self.texts}
        lists = {
            name: {place: sorted(there) for place, there in sets_of_place.items()}
            for name, sets_of_place in sets.items()
        }
        return {
            **lists,
            "searched": self.searched,
            "processes": self.processes,
            "unreadable": self.unreadable,
            "where": sorted(self.where),
        }


class Searcher:
    """Searches for one set of needles and texts.

    Args:
        table: the needles.
        texts: field texts in UTF-8, searched for in files only: a verdict may pass through memory.
    """

    def __init__(self, table: Table, texts: list[bytes]) -> None:
        self._table = table
        self._texts = texts

    def search(
        self, session: int | None, folders: list[str], since: float | None, marker: str | None = None
    ) -> SearchResult:
        """Searches all living processes of a session, their open files, /dev/shm, folders, and recently changed files.

        Args:
            session: session id of the server's processes; None when no process is left.
            folders: searched completely.
            since: seconds since the epoch; files anywhere on disk that changed later are searched too.
            marker: processes with this in their environment are searched too.
        """
        result = SearchResult()
        of_session = session_processes(session) if session is not None else []
        for pid in {*of_session, *(marked_processes(marker) if marker else [])}:
            try:
                self._memory(pid, result)
                self._open_files(pid, result)
            except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile, and its memory with it
                continue
            result.processes += 1
        for path in regular_files(["/dev/shm"]):  # noqa: S108 - that is where shared memory is seen
            self._file(path, "shared_memory", result)
        for path in regular_files(folders):
            self._file(path, "files", result)
        if since is not None:
            for path in changed_files(since):
                self._file(path, "disk", result)
        return result

    def _memory(self, pid: int, result: SearchResult) -> None:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                span, mode, *_ = line.split()
                if not mode.startswith("r") or line.rstrip().endswith(_KERNEL_MAPPINGS):
                    continue
                start, stop = (int(edge, 16) for edge in span.split("-"))
                self._span(memory.fileno(), start, stop, f"{pid}", result)

    def _span(self, descriptor: int, start: int, stop: int, name: str, result: SearchResult) -> None:
        for at in range(start, stop, BLOCK_BYTES):
            try:
                block = os.pread(descriptor, min(BLOCK_BYTES + NEEDLE_BYTES, stop - at), at)
            except OSError as error:
                result.unreadable.append(f"memory of {name} at {at:x}: {error.strerror}")
                continue
            self._scan(block, "memory", result)
            result.searched["memory"] = result.searched.get("memory", 0) + min(len(block), BLOCK_BYTES)

    def _open_files(self, pid: int, result: SearchResult) -> None:
        """Searches the files that a process holds open, also those that have no name any more."""
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if stat.S_ISREG(entry.stat().st_mode):
                    self._file(entry, "open_files", result)
            except FileNotFoundError:
                continue

    def _file(self, path: Path, place: str, result: SearchResult) -> None:
        try:
            with path.open("rb", buffering=0) as file:
                tail = b""
                while piece := file.read(BLOCK_BYTES):
                    if self._scan(tail + piece, place, result, texts=True):
                        result.where.add(str(path))
                    result.searched[place] = result.searched.get(place, 0) + len(piece)
                    tail = piece[-1024:]
        except FileNotFoundError:
            return
        except OSError as error:
            result.unreadable.append(f"{place}: {path.name}: {error.strerror}")

    def _scan(self, block: bytes, place: str, result: SearchResult, *, texts: bool = False) -> bool:
        there = self._table.scan(np.frombuffer(block, dtype=np.uint8))
        if len(there):
            result.found.setdefault(place, set()).update(there.tolist())
        held_texts = {number for number, text in enumerate(self._texts) if text in block} if texts else set()
        if held_texts:
            result.texts.setdefault(place, set()).update(held_texts)
        return bool(len(there) or held_texts)


def regular_files(folders: list[str]) -> Iterator[Path]:
    """Yields the regular files below these folders."""
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def changed_files(since: float, root: str = "/") -> Iterator[Path]:
    """Yields the regular files on disk whose content or name changed after a moment, in seconds since the epoch."""
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if str(Path(folder) / name) not in _NOT_ON_DISK]
        for name in names:
            path = Path(folder) / name
            try:
                about = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(about.st_mode) and about.st_ctime >= since:
                yield path


def serve(source: IO[bytes], answers: IO[str]) -> None:
    """Answers requests until the source ends; a search without permission answers with `refused`."""
    searcher = Searcher(Table(np.empty((0, NEEDLE_BYTES), dtype=np.uint8)), [])
    while line := source.readline():
        request = json.loads(line)
        if "load" in request:
            data = np.frombuffer(source.read(request["load"] * NEEDLE_BYTES), dtype=np.uint8)
            searcher = Searcher(Table(data.reshape(-1, NEEDLE_BYTES)), [t.encode() for t in request["texts"]])
            answer: dict[str, Any] = {"loaded": request["load"]}
        else:
            try:
                answer = searcher.search(**request["search"]).to_json()
            except OSError as error:
                answer = {"refused": f"{type(error).__name__}: {error.strerror}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout)
