"""Searches the memory of a process and files for pieces of pictures, to show that none is left."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PIECE_BYTES = 48
"""Too long to occur by chance: 2^-384 for a random one. Chosen by hand; no outside source."""
_PIECES = 8
"""Per picture: chosen by hand; no outside source."""
_BLOCK = 16 * 1024 * 1024
"""Bytes read at once; only the speed depends on it."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Number of pieces found, and bytes searched; 0 bytes mean that nothing could be read."""

    found: int
    searched_bytes: int


def sample_fragments(picture: bytes) -> list[bytes]:
    """Returns short pieces from all over an encoded picture, each long enough not to occur elsewhere by chance."""
    step = max(1, (len(picture) - _PIECE_BYTES) // (_PIECES + 1))
    return [picture[i * step : i * step + _PIECE_BYTES] for i in range(1, _PIECES + 1)]


def search_memory(pid: int, wanted: Sequence[bytes]) -> SearchResult:
    """Counts the pieces that are anywhere in the readable memory of a process.

    Raises:
        PermissionError: the system does not permit it.
    """
    found: set[bytes] = set()
    searched = 0
    # Unbuffered: otherwise a search of this process would find pieces in the buffer that it reads through.
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if mode.startswith("r") and not line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                start, stop = (int(edge, 16) for edge in span.split("-"))
                searched += _search_span(memory.fileno(), start, stop, wanted, found)
    return SearchResult(len(found), searched)


def search_files(folders: Iterable[Path], wanted: Sequence[bytes]) -> SearchResult:
    """Counts the pieces that are in any file below the folders."""
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
        except OSError:  # a page that the kernel does not give out, such as a device's
            continue
        searched += min(len(block), _BLOCK)
        found.update(piece for piece in wanted if piece in block)
    return searched
