"""The processors that a process may use, and the settings that follow from them."""

import os
from pathlib import Path

import pytest

from idproof.pipeline.executors import processors
from idproof.service.operations.settings import Settings


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu.max": "1600000 100000\n"}, 8),
        ({"cpu.max": "damaged"}, 8),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_the_share_of_a_container_bounds_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert processors.available(tmp_path) == expected


@pytest.mark.parametrize(
    ("given", "workers", "concurrency", "branches"),
    [
        ({}, 1, 8, 8),
        ({}, 3, 2, 2),
        ({}, 20, 1, 1),
        ({"threads": 2}, 2, 2, 2),
        ({"concurrency": 5}, 1, 5, 8),
        ({"branches": 1}, 1, 8, 1),
        ({"executor": "ray"}, 1, 8, 1),
    ],
)
def test_processors_are_shared_among_the_server_processes(
    given: dict[str, object], workers: int, concurrency: int, branches: int
) -> None:
    settings = Settings(**given).on_processors(8, workers)  # type: ignore[arg-type]
    assert (settings.concurrency, settings.branches) == (concurrency, branches)


def test_a_set_number_stands_even_if_it_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDPROOF_CONCURRENCY", "1")
    assert Settings().on_processors(8).concurrency == 1
