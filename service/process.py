"""Protections of the server's own process, put in force before it holds any picture."""

import os
import resource
import sys

_PERTURB = "MALLOC_PERTURB_"
_BYTE = "165"


def protect(argv: list[str]) -> None:
    """No core dumps, and memory overwritten on free.

    glibc reads its setting only when a process starts, so the program starts itself again with it, once.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.environ.get(_PERTURB, "0") in ("", "0"):
        os.environ[_PERTURB] = _BYTE
        os.execv(sys.executable, [sys.executable, "-m", "idproof.service", *argv])  # noqa: S606 - ourselves
