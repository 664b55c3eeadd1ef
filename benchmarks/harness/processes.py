"""Facts about the processes of this machine, read from `/proc` (proc(5))."""

import os
from contextlib import suppress
from pathlib import Path

_KIB_PER_MIB = 1024


def session_processes(session: int) -> list[int]:
    """Returns the ids of all living processes of a session, orphaned children included."""
    found = []
    for entry in _all():
        try:
            # The program's name stands in brackets; state, parent, group and session follow it.
            state, _, _, its_session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(entry.name))
    return found


def marked_processes(marker: str) -> list[int]:
    """Returns the ids of all processes whose environment holds a marker, on every node of a cluster on this machine."""
    found = []
    for entry in _all():
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def process_name(pid: int) -> str:
    """Returns the program's name, or an empty string when the process has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def resident_mib(pid: int) -> float:
    """Returns the resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / _KIB_PER_MIB
    return 0.0


def processor_s(session: int) -> float:
    """Returns the processor time of a session's living processes in seconds, with that of their ended children."""
    ticks = 0
    for pid in session_processes(session):
        with suppress(OSError, ValueError):
            # After the name: state, ids, faults; then user and system time of the process and of its children.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _all() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
