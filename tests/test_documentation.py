"""Every example in a docstring runs, and so does the README's Python; no docstring begins with a question word."""

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Decision

ROOMS = ("models", "pipeline", "datasets", "benchmarks", "service")
ROOT = Path(__file__).parents[1]
QUESTION = re.compile(r"(what|which|who|whom|whose|whether|how|why|when|where)(ever)?\b", re.IGNORECASE)
"""First word of a docstring that begins with neither a verb nor a noun (CONTRIBUTING.md)."""


def modules() -> list[str]:
    found = []
    for room in ROOMS:
        package = importlib.import_module(f"idproof.{room}")
        found += [f"idproof.{room}", *(m.name for m in pkgutil.walk_packages(package.__path__, f"idproof.{room}."))]
    # These two run when they are imported: the command line, and Alembic's own file.
    return [name for name in found if not name.endswith((".__main__", ".migrations.env"))]


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the text of each string that stands as a statement: docstrings, also those of constants."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text)), lineno=line):
                yield line, text.strip()


@pytest.fixture(scope="module")
def applicant(registration: Registration) -> dict[str, bytes]:
    names = {"front": "front.jpg", "left": "tilt_left.jpg", "right": "tilt_right.jpg", "selfie": "selfie.jpg"}
    return {name: registration.pictures[file] for name, file in names.items()}


def test_every_example_in_a_docstring_runs(applicant: dict[str, bytes]) -> None:
    tried = 0
    for name in modules():
        result = doctest.testmod(importlib.import_module(name), extraglobs=applicant)
        assert result.failed == 0, name
        tried += result.attempted
    assert tried > 30


def test_the_readmes_python_runs_and_gives_the_verdict_that_it_shows(applicant: dict[str, bytes]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    scope: dict[str, object] = dict(applicant)
    exec(block, scope)
    verdict = scope["verdict"]
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("captures_injectable", "liveness_missing"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_no_docstring_begins_with_a_question_word(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    lines = [(file, line, text) for file in files for line, text in strings(file.read_text(encoding="utf-8"))]
    assert len(lines) > 20
    found = [f"{file.relative_to(ROOT)}:{line}: {text[:60]}" for file, line, text in lines if QUESTION.match(text)]
    assert found == []


def test_no_comment_of_a_script_begins_with_a_question_word() -> None:
    made = {"node_modules", "dist"}  # by npm
    files = sorted(path for path in (ROOT / "service").rglob("*.js") if not made & set(path.parts))
    scripts = {file: file.read_text(encoding="utf-8") for file in files}
    comments = [(file, text) for file, script in scripts.items() for text in re.findall(r"/\*\*\s+(.*)", script)]
    assert len(comments) > 50
    assert [f"{file.name}: {text[:60]}" for file, text in comments if QUESTION.match(text)] == []
