"""Clients that two independent generators make of the description verify a registration in the sandbox.

The generators come from PyPI and npm, into folders of their own: minutes, and a network.
"""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from server_process import start, stop

SCRIPTS = Path(__file__).with_name("generated_clients")
OPENAPI_PYTHON_CLIENT = "openapi-python-client==0.29.1"
NPM_PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9", "@types/node@20")
SCOPES = ("session:write", "verify:write", "verdict:read")

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@dataclass
class Sandbox:
    """A running sandbox: its URL, a key of its own, the captures of the persona `accept`, and its description."""

    url: str
    key: str
    captures: Path
    description: Path


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    running, process = start(folder, more=("--sandbox",))
    try:
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        create = ["key", "create", "--sandbox", "--name", "generated", "--data-dir", str(running.data_dir), *scopes]
        key = run([sys.executable, "-m", "idproof.service", *create], folder).split()[0]
        captures = httpx.get(f"{running.url}/sandbox/personas/accept/captures.zip", timeout=120)
        zipfile.ZipFile(io.BytesIO(captures.content)).extractall(folder / "captures")
        (folder / "openapi.json").write_text(httpx.get(f"{running.url}/openapi.json").text, encoding="utf-8")
        yield Sandbox(running.url, key, folder / "captures", folder / "openapi.json")
    finally:
        stop(process)


def run(command: list[str], folder: Path) -> str:
    """Standard output of a command that must succeed."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def install(command: list[str], folder: Path) -> None:
    """Installs a generator, or skips the test where its index is out of reach."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.skip(f"the generator cannot be installed here: {' '.join(command)}")


def test_the_client_of_openapi_python_client_verifies_a_registration(sandbox: Sandbox, tmp_path: Path) -> None:
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")], tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    install([python, "-m", "pip", "install", "-q", OPENAPI_PYTHON_CLIENT], tmp_path)
    generate = ["generate", "--path", str(sandbox.description), "--output-path", "generated", "--meta", "none"]
    printed = run([str(tmp_path / "venv" / "bin" / "openapi-python-client"), *generate], tmp_path)
    assert "schema" not in printed.lower(), printed  # the generator says so when it leaves out what it cannot read
    (tmp_path / "use.py").write_text((SCRIPTS / "use.py.txt").read_text(encoding="utf-8"), encoding="utf-8")
    checked = ["--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "mypy"), "use.py"]
    run([sys.executable, "-m", "mypy", "--python-executable", python, *checked], tmp_path)
    assert run([python, "use.py", sandbox.url, sandbox.key, str(sandbox.captures)], tmp_path).startswith("verified ")


def test_the_client_of_openapi_typescript_verifies_a_registration(sandbox: Sandbox, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no Node here")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    install([npm, "install", "--silent", "--no-audit", "--no-fund", *NPM_PACKAGES], tmp_path)
    tools = tmp_path / "node_modules" / ".bin"
    run([str(tools / "openapi-typescript"), str(sandbox.description), "-o", "schema.d.ts"], tmp_path)
    (tmp_path / "use.ts").write_text((SCRIPTS / "use.ts.txt").read_text(encoding="utf-8"), encoding="utf-8")
    options = ["--strict", "--module", "nodenext", "--target", "es2022", "--outDir", "out", "--skipLibCheck"]
    run([str(tools / "tsc"), *options, "use.ts"], tmp_path)
    printed = run([node, "out/use.js", sandbox.url, sandbox.key, str(sandbox.captures)], tmp_path)
    assert printed.startswith("verified ")
