"""Which protections of memory are in force in this process: read from the process, never assumed."""

import os
import resource


def active() -> tuple[str, ...]:
    """Names of the guards that hold here and now.

    `malloc_perturb`: glibc overwrites memory when it is freed, so copies that a decoder or a network made on the
    way do not outlive it (glibc manual, "Memory Allocation Tunables", `glibc.malloc.perturb`).
    `no_core_dumps`: a crash writes no image of the process to disk.
    """
    guards = []
    if _overwrites_on_free():
        guards.append("malloc_perturb")
    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        guards.append("no_core_dumps")
    return tuple(guards)


def _overwrites_on_free() -> bool:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    named = dict(pair.split("=", 1) for pair in tunables.split(":") if "=" in pair)
    value = named.get("glibc.malloc.perturb", os.environ.get("MALLOC_PERTURB_", "0"))
    return value.strip() not in ("", "0")
