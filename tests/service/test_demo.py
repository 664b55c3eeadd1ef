"""The demonstration: what it shows is shown, and it never claims what it could not look at."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from idproof.service.cli import demonstration
from idproof.service.operations import residue

PICTURES = {"selfie": os.urandom(20_000)}


def shown(folder: Path, pid: int) -> tuple[bool, str]:
    out = io.StringIO()
    clean = demonstration._show_nothing_left(Console(file=out, width=200), pid, folder, PICTURES)
    return clean, out.getvalue()


def test_the_whole_demonstration(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "idproof.service", "demo"],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"PYTHONSAFEPATH": "1", "COLUMNS": "200", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPT" in done.stdout
    assert '"decision": "accept"' in done.stdout
    assert "/.well-known/jwks.json" in done.stdout
    assert "the signature holds" in done.stdout
    assert "in the service's files     0 found" in done.stdout
    assert "in the service's memory    0 found" in done.stdout
    assert "this very process 32 found" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_piece_in_any_file_of_the_service_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept").write_bytes(PICTURES["selfie"])
    clean, said = shown(tmp_path, os.getpid())
    assert (clean, "files     8 found" in said) == (False, True)


def test_a_piece_in_memory_is_found(tmp_path: Path) -> None:
    clean, said = shown(tmp_path, os.getpid())  # ourselves, who hold it
    assert (clean, "files     0 found" in said, "memory    8 found" in said) == (False, True, True)


def test_memory_that_may_not_be_read_is_not_called_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(residue, "search_memory", refused)
    clean, said = shown(tmp_path, os.getpid())
    assert (clean, "could not be assessed" in said) == (False, True)
    assert "memory    0 found" not in said


def test_a_search_that_does_not_find_what_is_there_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residue, "search_memory", lambda *_: residue.SearchResult(0, 1))
    assert shown(tmp_path, os.getpid())[0] is False
