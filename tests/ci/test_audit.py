"""The audit says what it compared, stops at a known vulnerability, and never takes silence for health."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = {"name": "setuptools", "version": "84.2.1", "vulns": []}
UNKNOWN = {"name": "own-package", "skip_reason": "Dependency not found on PyPI"}
WEAK = {
    "name": "pillow",
    "version": "13.0.0",
    "vulns": [{"id": "GHSA-aaaa-bbbb-cccc", "fix_versions": ["13.0.1"], "aliases": [], "description": ""}],
}
NO_CONNECTION = "requests.exceptions.ProxyError: HTTPSConnectionPool: Max retries exceeded"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


def pip_audit(found: list[dict[str, object]] | None, error: str = "") -> list[str]:
    """A command in pip-audit's place."""
    answer = "" if found is None else json.dumps({"dependencies": found, "fixes": []})
    return [sys.executable, "-c", f"import sys; print({answer!r}); sys.stderr.write({error!r})"]


def accepting(folder: Path, text: str = "") -> Path:
    file = folder / "accepted.toml"
    file.write_text(text, encoding="utf-8")
    return file


def run(audit: ModuleType, folder: Path, command: list[str], *arguments: str, accepted: str = "") -> int:
    return int(audit.main(list(arguments), command, accepting(folder, accepted)))


def test_a_healthy_lock_passes_and_the_number_is_told(
    audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(audit, tmp_path, pip_audit([HEALTHY, HEALTHY]), "--required") == 0
    assert "2 packages compared" in capsys.readouterr().out


@pytest.mark.parametrize("command", [pip_audit([UNKNOWN]), pip_audit(None, NO_CONNECTION)])
def test_an_index_without_the_list_is_named_and_stops_a_release(
    command: list[str], audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(audit, tmp_path, command) == 0
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out
    assert run(audit, tmp_path, command, "--required") == 1


def test_a_known_vulnerability_stops(audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(audit, tmp_path, pip_audit([HEALTHY, WEAK])) == 1
    assert "pillow 13.0.0: GHSA-aaaa-bbbb-cccc, fixed in 13.0.1" in capsys.readouterr().out


def test_an_accepted_one_passes_until_its_day(audit: ModuleType, tmp_path: Path) -> None:
    entry = '["GHSA-aaaa-bbbb-cccc"]\nreason = "{}"\nuntil = {}-01-01\n'
    weak = pip_audit([HEALTHY, WEAK])
    assert run(audit, tmp_path, weak, accepted=entry.format("never called", 2999)) == 0
    assert run(audit, tmp_path, weak, accepted=entry.format("never called", 2020)) == 1
    assert run(audit, tmp_path, weak, accepted=entry.format("", 2999)) == 2


def test_a_package_that_is_not_in_the_list_is_named(
    audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(audit, tmp_path, pip_audit([HEALTHY, UNKNOWN])) == 0
    assert "not audited: own-package" in capsys.readouterr().out
    assert run(audit, tmp_path, pip_audit([HEALTHY, UNKNOWN]), "--required") == 1


def test_a_broken_tool_is_an_error_and_no_quiet_pass(audit: ModuleType, tmp_path: Path) -> None:
    assert run(audit, tmp_path, pip_audit(None, "ERROR: invalid requirements input")) == 2
    assert run(audit, tmp_path, pip_audit(None)) == 2


def test_the_project_s_own_file_of_accepted_ones_can_be_read(audit: ModuleType) -> None:
    from datetime import date

    assert isinstance(audit.accepted(audit.ACCEPTED, date(2026, 1, 1)), set)
