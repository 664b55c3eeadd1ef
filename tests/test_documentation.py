"""Every example in a docstring runs, and so does the README's Python."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Decision

ROOMS = ("models", "pipeline", "datasets", "benchmarks", "service")
ROOT = Path(__file__).parents[1]


def modules() -> list[str]:
    found = []
    for room in ROOMS:
        package = importlib.import_module(f"idproof.{room}")
        found += [f"idproof.{room}", *(m.name for m in pkgutil.walk_packages(package.__path__, f"idproof.{room}."))]
    # These two run when they are imported: the command line, and Alembic's own file.
    return [name for name in found if not name.endswith((".__main__", ".migrations.env"))]


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
