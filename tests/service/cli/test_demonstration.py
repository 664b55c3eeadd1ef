"""`idproof demo` prints the decision and the deletion proof, and reports a search that was not possible as such."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from idproof.service.cli.demonstration import ResidueReport, proof_lines, search_residue
from idproof.service.operations.residue import SearchResult

PICTURES = {"selfie": os.urandom(20_000)}
RECEIPT = {
    "wiped": [{"kind": "upload", "count": 4, "bytes": 1_000_000}, {"kind": "image", "count": 3, "bytes": 500}],
    "mechanism": "overwritten with zeros",
    "outstanding": 0,
    "guards": ["no_core_dumps"],
}
_MOST_LINES = 30


def search(folder: Path, pid: int) -> tuple[ResidueReport, str]:
    report = search_residue(pid, folder, PICTURES)
    return report, "\n".join(proof_lines(RECEIPT, report))


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "idproof.service", "demo"],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"PYTHONSAFEPATH": "1", "COLUMNS": "200", "TMPDIR": str(folder)},
    )


def test_the_demonstration_prints_decision_fields_and_proof_on_one_screen(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= _MOST_LINES, done.stdout
    assert any(line.startswith("ACCEPT ") for line in lines)
    (file,) = tmp_path.glob("idproof-demo-*/verdict.json")
    assert lines[-1].startswith("The only file left")
    assert lines[-1].endswith(f": {file}")
    steps = lines[: next(number for number, line in enumerate(lines) if line.startswith("ACCEPT "))]
    assert [line.split()[0] for line in steps if line] == ["Making", "Starting", "Posting", "Checking"]
    verdict = json.loads(file.read_text(encoding="utf-8"))
    assert verdict["decision"] == "accept"
    for name, reading in verdict["fields"].items():
        assert any(name in line and reading["text"] in line for line in lines), name
    assert "Signature: holds, checked with http://127.0.0.1:" in done.stdout
    proof = lines[lines.index("Deletion:") + 1 : -1]
    assert len(proof) == 5
    assert "overwritten with zeros" in proof[0]
    assert "still held: 0" in proof[0]
    assert "no_core_dumps" in proof[1]
    assert proof[2].startswith("  files of the service: 0 of 32 pieces")
    assert proof[3].startswith("  memory of the service: 0 of 32 pieces")
    assert "control, which still holds them: 32 of 32 pieces" in proof[4]
    # The service's own folders are gone: only the verdict is left.
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_the_proof_has_five_lines_with_the_sums_of_the_receipt(tmp_path: Path) -> None:
    _, text = search(tmp_path, os.getpid())
    lines = text.splitlines()
    assert len(lines) == 5
    assert lines[0] == "7 buffers (1,000,500 bytes) overwritten with zeros; still held: 0"


def test_a_piece_in_any_file_of_the_service_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(PICTURES["selfie"])
    report, text = search(tmp_path, os.getpid())
    assert not report.clean
    assert "files of the service: 8 of 8 pieces" in text


def test_a_piece_in_memory_is_found(tmp_path: Path) -> None:
    report, text = search(tmp_path, os.getpid())  # this process holds the pictures
    assert not report.clean
    assert "files of the service: 0 of 8 pieces" in text
    assert "memory of the service: 8 of 8 pieces" in text


def test_memory_that_cannot_be_read_is_not_reported_as_clean(tmp_path: Path) -> None:
    def refuse(_: int, __: Sequence[bytes]) -> SearchResult:
        raise PermissionError

    report = search_residue(os.getpid(), tmp_path, PICTURES, search_memory=refuse)
    assert not report.clean
    text = "\n".join(proof_lines(RECEIPT, report))
    assert text.count("could not be assessed") == 2
    assert "memory of the service: 0" not in text


@pytest.mark.parametrize(
    ("files", "memory", "control", "clean"), [(0, 0, 8, True), (1, 0, 8, False), (0, 1, 8, False), (0, 0, 7, False)]
)
def test_a_report_is_clean_only_when_the_search_finds_the_control_and_nothing_else(
    files: int, memory: int, control: int, clean: bool
) -> None:
    report = ResidueReport(8, SearchResult(files, 1), SearchResult(memory, 1), SearchResult(control, 1))
    assert report.clean is clean
