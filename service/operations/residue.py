"""Looks for pieces of pictures in a process's memory and in files: the demonstration that none is left."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PIECE_BYTES = 48
_PIECES = 8
_BLOCK = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search covered and found; `searched_bytes` of 0 means that nothing could be looked at."""

    found: int
    searched_bytes: int


def sample_fragments(picture: bytes) -> list[bytes]:
    """Short runs from all over an encoded picture, long enough to be found by chance nowhere."""
    step = max(1, (len(picture) - _PIECE_BYTES) // (_PIECES + 1))
    return [picture[i * step : i * step + _PIECE_BYTES] for i in range(1, _PIECES + 1)]


def search_memory(pid: int, wanted: Sequence[bytes]) -> SearchResult:
    """How many of the pieces are somewhere in a process's readable memory.

    Raises:
        PermissionError: the system does not let us look.
    """
    found: set[bytes] = set()
    searched = 0
    # Unbuffered: what is read must not linger in a buffer of our own and be found there.
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if mode.startswith("r") and not line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                start, stop = (int(edge, 16) for edge in span.split("-"))
                searched += _search_span(memory.fileno(), start, stop, wanted, found)
    return SearchResult(len(found), searched)


def search_files(folders: Iterable[Path], wanted: Sequence[bytes]) -> SearchResult:
    """How many of the pieces are in any file below the folders."""
    found: set[bytes] = set()
    searched = 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                searched += len(data)
                found.update(piece for piece in wanted if piece in data)
    return SearchResult(len(found), searched)


def _search_span(descriptor: int, start: int, stop: int, wanted: Sequence[bytes], found: set[bytes]) -> int:
    searched = 0
    for at in range(start, stop, _BLOCK):
        try:
            block = os.pread(descriptor, min(_BLOCK + _PIECE_BYTES, stop - at), at)
        except OSError:  # a page that the kernel does not show, such as a device's
            continue
        searched += min(len(block), _BLOCK)
        found.update(piece for piece in wanted if piece in block)
    return searched
