"""The table of folders in docs/architecture.md says what the folders import."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from markdown_pages import ROOMS, ROOT, Page

CLIENT = "service/client"


@cache
def rows() -> dict[str, tuple[str, ...]]:
    """Folder to the names that it may import, from the table's first and last column."""
    text = Page(ROOT / "docs" / "architecture.md").prose
    cells = re.findall(r"^\| `([\w/]+)/` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return {folder: tuple(re.findall(r"`([a-z_.]+)`", allowed)) for folder, allowed in cells}


@cache
def imports(folder: str) -> dict[str, str]:
    """Modules of other folders that a folder imports, and a file that does."""
    found: dict[str, str] = {}
    own = "client" if folder == CLIENT else folder
    for path in (ROOT / folder).rglob("*.py"):
        if folder == "service" and path.is_relative_to(ROOT / CLIENT):
            continue
        for name in _imported(path):
            if name.split(".")[0] != own:
                found[name] = str(path.relative_to(ROOT))
    return found


def _imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name.removeprefix("idproof.") for name in names if name.startswith("idproof.")]


def _below(name: str, allowed: str) -> bool:
    return name == allowed or name.startswith(f"{allowed}.")


def test_the_table_has_every_folder() -> None:
    assert set(rows()) == {*ROOMS[:5], CLIENT}


@pytest.mark.parametrize("folder", [*ROOMS[:5], CLIENT])
def test_a_folder_imports_nothing_but_what_its_row_names(folder: str) -> None:
    allowed = rows()[folder]
    assert {
        name: file for name, file in imports(folder).items() if not any(_below(name, each) for each in allowed)
    } == {}


@pytest.mark.parametrize("folder", [*ROOMS[:5], CLIENT])
def test_a_row_names_nothing_that_is_not_imported(folder: str) -> None:
    assert [each for each in rows()[folder] if not any(_below(name, each) for name in imports(folder))] == []
