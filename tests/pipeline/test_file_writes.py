"""A verification writes no file: neither its own code nor a library that it calls."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import file_writes
import pytest

from idproof.pipeline import Captures


def writes_of(action: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-P", file_writes.__file__, action, str(folder)],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_is_written_to_any_file(captures_of: Callable[..., Captures], tmp_path: Path) -> None:
    for role, data in captures_of().items():
        (tmp_path / role.value).write_bytes(data)
    assert writes_of("verify", tmp_path) == []


@pytest.mark.parametrize("action", ["python_file", "unnamed_file", "library_file"])
def test_a_file_that_is_written_is_seen(action: str, tmp_path: Path) -> None:
    assert writes_of(action, tmp_path)
