"""Protections of the server's own process, put in force before it holds any picture."""

import os
import resource
import sys

_PERTURB = "MALLOC_PERTURB_"
_BYTE = "165"


def protect(argv: list[str], program: str = "idproof.service") -> None:
    """No core dumps, and memory overwritten on free.

    glibc reads its setting only when a process starts, so the program starts itself again with it, once; with `-P`,
    since `-m` alone would let files of the current folder stand in for installed modules.

    `PR_SET_DUMPABLE` is left alone: without it `/proc/PID/mem` belongs to root, and an operator who is not root could
    no longer look for traces of pictures, as `idproof demo` does. Core dumps are off either way.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.environ.get(_PERTURB, "0") in ("", "0"):
        os.environ[_PERTURB] = _BYTE
        os.execv(sys.executable, [sys.executable, "-P", "-m", program, *argv])  # noqa: S606 - ourselves
