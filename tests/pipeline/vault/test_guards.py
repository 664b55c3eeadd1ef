"""A guard is listed when it holds, and only then: each is tried in a process with it and in one without."""

import os
import platform
import subprocess
import sys

import pytest

from idproof.pipeline.vault import guards

ALLOCATOR = {"MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0", "PYTHONMALLOC": "malloc"}
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="overwriting on free is glibc's")


def held(before: str = "", **environment: str) -> set[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ALLOCATOR}
    code = f"from idproof.pipeline.vault import guards\n{before}\nprint(*guards.active())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=clean | environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@glibc
def test_overwriting_is_listed_only_where_every_size_is_overwritten() -> None:
    assert not {"malloc_perturb", "small_objects_perturb"} & held()
    # glibc's thread caches keep blocks up to 1 KiB as they were: the setting alone is not enough.
    assert "malloc_perturb" not in held(MALLOC_PERTURB_="165")
    without_python = {name: value for name, value in ALLOCATOR.items() if name != "PYTHONMALLOC"}
    found = held(**without_python)
    assert ("malloc_perturb" in found, "small_objects_perturb" in found) == (True, False)
    assert {"malloc_perturb", "small_objects_perturb"} <= held(**ALLOCATOR)


def test_where_memory_cannot_be_read_no_overwriting_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    guards._memory_is_readable.cache_clear()
    guards._overwrites_on_free.cache_clear()
    monkeypatch.setattr(guards, "_read_memory", lambda *_: None)
    monkeypatch.setenv("MALLOC_PERTURB_", "165")
    try:
        assert "malloc_perturb" not in guards.active()
    finally:
        guards._memory_is_readable.cache_clear()
        guards._overwrites_on_free.cache_clear()


def test_dumps_are_off_only_where_they_were_turned_off() -> None:
    shut = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"
    assert "not_dumpable" not in held()
    assert "not_dumpable" in held(shut)
    hard = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"
    assert "no_core_dumps" in held(f"{hard}; {shut}")


def test_a_program_that_receives_dumps_is_stopped_by_no_limit_but_by_a_process_that_is_not_dumpable() -> None:
    program = "|/usr/lib/systemd/systemd-coredump"
    assert not guards.core_dumps_off(program, limit=0, dumpable=True)
    assert guards.core_dumps_off(program, limit=0, dumpable=False)
    assert guards.core_dumps_off("core", limit=0, dumpable=True)
    assert not guards.core_dumps_off("core", limit=1, dumpable=False)


@pytest.mark.parametrize(
    ("hook", "quiet"),
    [
        ("pass", False),  # Python's own hook prints the message
        ("sys.excepthook = lambda kind, *_: print(kind.__name__, file=sys.stderr)", True),
        ("sys.excepthook = lambda kind, error, _: print(error, file=sys.stderr)", False),
    ],
)
def test_crashes_are_quiet_only_when_a_trial_crash_shows_no_value(hook: str, quiet: bool) -> None:
    assert ("quiet_crashes" in held(f"import sys\n{hook}")) is quiet


def test_swap_is_seen_and_an_unreadable_list_of_swaps_proves_nothing() -> None:
    assert guards.swap_off("Filename Type Size\n")
    assert not guards.swap_off("Filename Type Size\n/dev/sda2 partition 1\n")
    assert not guards.swap_off("")


def test_every_required_and_advised_guard_is_tested() -> None:
    assert {*guards.REQUIRED, *guards.ADVISED} == set(guards._GUARDS)
