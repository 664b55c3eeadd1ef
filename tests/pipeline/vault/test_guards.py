"""A guard is named when it holds, and only then: each is tried in a process with it and in one without."""

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
def test_overwriting_is_named_only_where_every_size_is_overwritten() -> None:
    assert not {"malloc_perturb", "small_objects_perturb"} & held()
    # glibc's thread caches keep blocks up to 1 KiB as they were: the setting alone is not enough.
    assert "malloc_perturb" not in held(MALLOC_PERTURB_="165")
    without_python = {name: value for name, value in ALLOCATOR.items() if name != "PYTHONMALLOC"}
    found = held(**without_python)
    assert ("malloc_perturb" in found, "small_objects_perturb" in found) == (True, False)
    assert {"malloc_perturb", "small_objects_perturb"} <= held(**ALLOCATOR)


def test_where_memory_cannot_be_looked_at_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    guards._can_look.cache_clear()
    guards._overwrites_on_free.cache_clear()
    monkeypatch.setattr(guards, "_peek", lambda *_: None)
    monkeypatch.setenv("MALLOC_PERTURB_", "165")
    try:
        assert "malloc_perturb" not in guards.active()
    finally:
        guards._can_look.cache_clear()
        guards._overwrites_on_free.cache_clear()


def test_dumps() -> None:
    shut = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"
    assert "not_dumpable" not in held()
    assert "not_dumpable" in held(shut)
    hard = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"
    assert "no_core_dumps" in held(f"{hard}; {shut}")


def test_a_program_that_takes_dumps_is_not_stopped_by_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "_text", lambda _: "|/usr/lib/systemd/systemd-coredump")
    monkeypatch.setattr(guards, "_not_dumpable", lambda: False)
    assert not guards._no_core_dumps()


@pytest.mark.parametrize(
    ("hook", "quiet"),
    [
        ("pass", False),  # Python's own hook prints the message
        ("sys.excepthook = lambda kind, *_: print(kind.__name__, file=sys.stderr)", True),
        ("sys.excepthook = lambda kind, error, _: print(error, file=sys.stderr)", False),
    ],
)
def test_crashes_are_quiet_only_when_a_crash_of_our_own_tells_nothing(hook: str, quiet: bool) -> None:
    assert ("quiet_crashes" in held(f"import sys\n{hook}")) is quiet


def test_swap_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "_text", lambda _: "Filename Type Size\n")
    assert guards._no_swap()
    monkeypatch.setattr(guards, "_text", lambda _: "Filename Type Size\n/dev/sda2 partition 1\n")
    assert not guards._no_swap()
    monkeypatch.setattr(guards, "_text", lambda _: "")
    assert not guards._no_swap()  # not known is not safe


def test_every_required_and_advised_guard_is_one_that_is_looked_at() -> None:
    assert {*guards.REQUIRED, *guards.ADVISED} == set(guards._GUARDS)
