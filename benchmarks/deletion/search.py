"""The search, in a process of its own that never saw a picture as a picture.

`python -m idproof.benchmarks.deletion.search` reads requests on standard input, one JSON object a line, and answers
each with one line. `{"load": n, "texts": […]}` is followed by n needles of 32 bytes; `{"search": {…}}` names what to
look through. Needles come through a pipe, so that no file holds them.
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

_BLOCK = 16 * 1024 * 1024
_KERNELS_OWN = ("[vvar]", "[vsyscall]", "[vvar_vclock]")
_NOT_ON_DISK = ("/proc", "/sys", "/dev")


@dataclass
class Looked:
    """What a search covered and found.

    Attributes:
        found: place (`memory`, `files`, `shared_memory`, `open_files`) to the numbers of needles found there.
        texts: place to the field texts found there.
        searched: place to bytes.
        processes: how many were searched.
        unreadable: spans and files that exist and could not be read; not searched, so not called clean.
        where: files that something was found in.
    """

    found: dict[str, set[int]] = field(default_factory=dict)
    texts: dict[str, set[int]] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    processes: int = 0
    unreadable: list[str] = field(default_factory=list)
    where: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """With lists in the place of sets."""
        sets = {"found": self.found, "texts": self.texts}
        lists = {name: {place: sorted(there) for place, there in held.items()} for name, held in sets.items()}
        return {
            **lists,
            "searched": self.searched,
            "processes": self.processes,
            "unreadable": self.unreadable,
            "where": sorted(self.where),
        }


class Searcher:
    """Looks for one set of needles and texts.

    Args:
        table: the needles.
        texts: field texts in UTF-8, looked for in files only: a verdict lawfully passes through memory.
    """

    def __init__(self, table: Table, texts: list[bytes]) -> None:
        self._table = table
        self._texts = texts

    def search(self, session: int | None, folders: list[str], since: float | None, marker: str | None = None) -> Looked:
        """Every living process of a session, what they hold open, /dev/shm, folders, and files changed since then.

        Args:
            session: the session id of the server's processes; None when none is left to look at.
            folders: searched whole.
            since: seconds since the epoch; files anywhere on disk changed after it are searched too.
            marker: processes that were started with this in their environment are searched too.
        """
        looked = Looked()
        found = processes(session) if session is not None else []
        for pid in {*found, *(marked(marker) if marker else [])}:
            try:
                self._memory(pid, looked)
                self._open_files(pid, looked)
            except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile, and its memory with it
                continue
            looked.processes += 1
        for path in below(["/dev/shm"]):  # noqa: S108 - that is where shared memory is seen
            self._file(path, "shared_memory", looked)
        for path in below(folders):
            self._file(path, "files", looked)
        if since is not None:
            for path in changed(since):
                self._file(path, "disk", looked)
        return looked

    def _memory(self, pid: int, looked: Looked) -> None:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                span, mode, *_ = line.split()
                if not mode.startswith("r") or line.rstrip().endswith(_KERNELS_OWN):
                    continue
                start, stop = (int(edge, 16) for edge in span.split("-"))
                self._span(memory.fileno(), start, stop, f"{pid}", looked)

    def _span(self, descriptor: int, start: int, stop: int, name: str, looked: Looked) -> None:
        for at in range(start, stop, _BLOCK):
            try:
                block = os.pread(descriptor, min(_BLOCK + NEEDLE_BYTES, stop - at), at)
            except OSError as error:
                looked.unreadable.append(f"memory of {name} at {at:x}: {error.strerror}")
                continue
            self._look(block, "memory", looked)
            looked.searched["memory"] = looked.searched.get("memory", 0) + min(len(block), _BLOCK)

    def _open_files(self, pid: int, looked: Looked) -> None:
        """Files that a process holds open, also those without a name any more."""
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if stat.S_ISREG(entry.stat().st_mode):
                    self._file(entry, "open_files", looked)
            except FileNotFoundError:
                continue

    def _file(self, path: Path, place: str, looked: Looked) -> None:
        try:
            with path.open("rb", buffering=0) as file:
                tail = b""
                while piece := file.read(_BLOCK):
                    if self._look(tail + piece, place, looked, texts=True):
                        looked.where.add(str(path))
                    looked.searched[place] = looked.searched.get(place, 0) + len(piece)
                    tail = piece[-1024:]
        except FileNotFoundError:
            return
        except OSError as error:
            looked.unreadable.append(f"{place}: {path.name}: {error.strerror}")

    def _look(self, block: bytes, place: str, looked: Looked, *, texts: bool = False) -> bool:
        there = self._table.scan(np.frombuffer(block, dtype=np.uint8))
        if len(there):
            looked.found.setdefault(place, set()).update(there.tolist())
        held = {number for number, text in enumerate(self._texts) if text in block} if texts else set()
        if held:
            looked.texts.setdefault(place, set()).update(held)
        return bool(len(there) or held)


def processes(session: int) -> list[int]:
    """Every living process of a session, children that were left behind too."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # proc(5): after the program's name in brackets come state, parent, group, session.
            state, _, _, its_session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(entry.name))
    return found


def marked(marker: str) -> list[int]:
    """Every process that inherited a marker, on whatever node of a cluster on this machine."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def below(folders: list[str]) -> Iterator[Path]:
    """Regular files."""
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def changed(since: float) -> Iterator[Path]:
    """Regular files on disk whose contents or place changed after a moment."""
    for folder, inner, names in os.walk("/"):
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
    """Answer requests until the source ends; a search that may not look answers with `refused`."""
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
