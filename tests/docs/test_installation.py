"""Documented ways to install the package: all of them from a checkout, since it is on no index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = [path for room in ("service", "pipeline", "models") for path in sorted((ROOT / room).rglob("*.py"))]
FROM_AN_INDEX = re.compile(r"pip install[^\n`]*?[ '\"]idproof(-client)?(\[|['\"`\s]|$)")


@pytest.mark.parametrize("page", ["README.md", "docs/sandbox.md"])
def test_a_page_for_newcomers_installs_the_package_outside_the_checkout(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    locked = r"^python3 -m venv (\S+) && \1/bin/pip install --require-hashes -r locks/build\.txt -r locks/trial\.txt$"
    assert re.search(locked + r"\n\1/bin/pip install --no-deps --no-build-isolation \.( |$)", text, re.MULTILINE)


def test_nobody_is_sent_to_an_index_for_the_package() -> None:
    assert FROM_AN_INDEX.search("pip install 'idproof[postgres]'")
    assert FROM_AN_INDEX.search("pip install idproof")
    assert not FROM_AN_INDEX.search("pip install '.[postgres]'")
    found = [path.name for path in (*PAGES, *SOURCES) if FROM_AN_INDEX.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_the_extras_that_pages_name_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {
        name
        for path in PAGES
        for names in re.findall(r"'\.\[([\w,-]+)\]'", path.read_text(encoding="utf-8"))
        for name in names.split(",")
    }
    assert named >= {"postgres", "telemetry"}
    assert named <= extras.keys()
