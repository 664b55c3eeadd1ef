"""The client alone, as the distribution `idproof-client`: it installs, is small, and works against the sandbox."""

import importlib.metadata
import os
import shutil
import subprocess
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import serving_app
from packaging.requirements import Requirement

from idproof.service.operations import server
from idproof.service.operations.settings import Settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "service" / "client"
LARGEST_MIB = 10
"""The whole distribution needs 756; httpx with all that it needs has 5."""

USE = """
import io, sys, urllib.request, zipfile
import idproof.client
from idproof.client import Client

url = sys.argv[1]
assert "site-packages" in idproof.client.__file__, idproof.client.__file__
sets = urllib.request.urlopen(url + "/sandbox/personas/accept/captures.zip").read()
with zipfile.ZipFile(io.BytesIO(sets)) as archive:
    captures = {name.removesuffix(".jpg"): archive.read(name) for name in archive.namelist()}
with Client(url) as client:
    verdict = client.verify(captures, session=client.open_session().id, reference="light")
print(verdict.decision, verdict.document["reference"], "numpy" in sys.modules)
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    with serving_app(server._sandbox(Settings(data_dir=tmp_path / "sandbox", sandbox=True))) as (host, port):
        yield f"http://{host}:{port}"


def source(folder: Path) -> Path:
    """A copy of the folder, since a build writes beside its source."""
    ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    return Path(shutil.copytree(FOLDER, folder / "source", ignore=ignored))


def use(python: Path, url: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(python), "-I", "-c", USE, url]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def closure(requirements: list[str]) -> set[str]:
    """Names of the distributions that these need, as they are installed here."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        wanted = Requirement(waiting.pop())
        if (wanted.marker and not wanted.marker.evaluate({"extra": ""})) or wanted.name in found:
            continue
        found.add(wanted.name)
        waiting += importlib.metadata.requires(wanted.name) or []
    return found


def described(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def test_the_client_works_with_nothing_but_what_its_distribution_names(tmp_path: Path, sandbox: str) -> None:
    """Without a build and an index: the named packages are copied from this environment into an empty one."""
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    shutil.copytree(source(tmp_path), packages / "idproof" / "client")
    for name in closure(described(FOLDER)["dependencies"]):
        for file in importlib.metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    assert size_mib(packages) < LARGEST_MIB
    assert use(tmp_path / "venv" / "bin" / "python", sandbox, tmp_path) == "accept light False\n"


@pytest.mark.long
def test_pip_installs_the_client_into_a_fresh_environment(tmp_path: Path, sandbox: str) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(source(tmp_path))], check=True, cwd=tmp_path)
    (licence,) = (tmp_path / "venv").rglob("idproof_client-*.dist-info/licenses/LICENSE")
    assert licence.read_text() == (ROOT / "LICENSE").read_text()
    assert use(python, sandbox, tmp_path) == "accept light False\n"


def test_both_distributions_have_one_version_and_the_whole_one_needs_no_less() -> None:
    light, whole = described(FOLDER), described(ROOT)
    assert light["version"] == whole["version"]
    assert light["requires-python"] == whole["requires-python"]
    assert {Requirement(wanted).name for wanted in light["dependencies"]} <= closure(whole["dependencies"])
