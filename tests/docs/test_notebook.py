"""The notebook runs from a fresh start, in an empty folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from markdown_pages import ROOT

NOTEBOOK = ROOT / "docs" / "own-scores.ipynb"


def cells() -> list[str]:
    """The code of each cell; it is plain Python, so that no kernel is needed."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    found = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in found)
    return ["".join(cell["source"]) for cell in found]


def test_every_cell_runs_and_the_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, code in enumerate(cells()):
        exec(compile(code, f"cell {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "scores.first.in_force.fnmr: " in printed
    assert "b {'a': " in printed
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Error trade-offs together" in page
    assert names["run"].figures["scores.first.eer"]["value"] < names["run"].figures["scores.second.eer"]["value"]
