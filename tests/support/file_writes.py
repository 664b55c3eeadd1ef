"""Performs one action and prints, as a JSON list, every attempt of this process to write to a file meanwhile.

Run as `python -P file_writes.py ACTION FOLDER`. Two independent observers watch:

- Python's audit events report each opening of a file for writing, by whatever Python module;
- the kernel reports each growth of a regular file, by whatever library: it allows the process and its children files
  of 0 bytes only (`RLIMIT_FSIZE`), and sends `SIGXFSZ` at the first byte, which ends a child.
"""

import json
import os
import resource
import signal
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import numpy as np

from idproof.pipeline import Captures, Decision, Policy, Role, Verifier

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "sqlite3.connect"}


def main(action: str, folder: Path) -> list[str]:
    """Prepare the action, watch it, and return the attempts to write."""
    perform = ACTIONS[action](folder)
    seen: list[str] = []

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and arguments[2] & _WRITING and is_file(arguments[0])):
            seen.append(f"{event} {arguments[0]!r}")

    def on_growth(_: int, __: FrameType | None) -> None:
        seen.append("growth of a file")

    signal.signal(signal.SIGXFSZ, on_growth)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    sys.addaudithook(on_event)
    perform()
    return list(seen)


def is_file(target: str | bytes | int) -> bool:
    """Reports if a path or descriptor is a file, becomes one, or is the folder of a file without a name.

    Pipes, and devices such as /dev/null, are none.
    """
    try:
        mode = os.stat(target).st_mode  # noqa: PTH116 - of a descriptor, too
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def verify(folder: Path) -> Callable[[], None]:
    """Verify the captures in the folder."""
    verifier = Verifier.open(profile="open", policy=Policy.for_uploads())
    captures = Captures.from_parts({role.value: (folder / role.value).read_bytes() for role in Role})

    def perform() -> None:
        assert verifier.verify(captures).decision is Decision.ACCEPT

    return perform


def python_file(folder: Path) -> Callable[[], None]:
    """Open a file for writing, and write nothing."""
    return lambda: (folder / "control").open("wb").close()


def unnamed_file(folder: Path) -> Callable[[], None]:
    """Open a temporary file that has no name."""
    return lambda: tempfile.TemporaryFile(dir=folder).close()


def library_file(folder: Path) -> Callable[[], None]:
    """Let a C++ library write a file, which no audit event reports."""

    def perform() -> None:
        cv2.imwrite(str(folder / "control.bmp"), np.zeros((64, 64, 3), dtype=np.uint8))

    return perform


ACTIONS: dict[str, Callable[[Path], Callable[[], None]]] = {
    "verify": verify,
    "python_file": python_file,
    "unnamed_file": unnamed_file,
    "library_file": library_file,
}

if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))  # noqa: T201 - the answer
