"""A page of another origin with the web component, installed from its npm tarball, and its small backend."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from stream_server import StreamVerifier, stream_server

from idproof.service.operations.settings import Settings

COMPONENT = Path(__file__).parents[2] / "service" / "capture"
PLAIN = COMPONENT / "examples" / "plain"
REACT = COMPONENT / "examples" / "react"


def installed(folder: Path) -> Path:
    """Packs the component as npm does and installs the tarball into an empty folder; returns the installed package."""
    npm = shutil.which("npm")
    assert npm is not None, "the tests of the web component need npm"
    packed, page = folder / "packed", folder / "page"
    for made in (packed, page):
        made.mkdir(parents=True)
    subprocess.run(["sh", str(COMPONENT.parents[1] / ".ci" / "node")], check=True, timeout=300)
    command = [npm, "pack", "--pack-destination", str(packed)]
    subprocess.run(command, cwd=COMPONENT, check=True, capture_output=True, timeout=120)
    (tarball,) = packed.glob("idproof-capture-*.tgz")
    (page / "package.json").write_text('{"private": true}', encoding="utf-8")
    install = [npm, "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", str(tarball)]
    subprocess.run(install, cwd=page, check=True, capture_output=True, timeout=120)
    return page / "node_modules" / "idproof-capture"


def react_page(package: Path, folder: Path) -> Path:
    """Bundles the React example with the installed package and React's development build; returns the page's folder."""
    command = [str(COMPONENT / "node_modules" / ".bin" / "esbuild"), str(REACT / "page.jsx")]
    command += ["--bundle", "--format=esm", "--target=es2022", "--jsx=automatic", "--log-level=warning"]
    command += ['--define:process.env.NODE_ENV="development"', f"--outfile={folder / 'page.js'}"]
    command += [f"--alias:idproof-capture={package / 'dist' / 'idproof-capture.js'}"]
    subprocess.run(command, cwd=COMPONENT, check=True, timeout=120)
    shutil.copy(REACT / "index.html", folder)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(package: Path, service: str, port: int, page: Path = PLAIN) -> Iterator[str]:
    """Serves the page in a folder on this port, by the plain example's backend; yields its origin."""
    component = str(package / "dist" / "idproof-capture.js")
    environment = {"IDPROOF_URL": service, "IDPROOF_COMPONENT": component, "IDPROOF_PAGE": str(page)}
    process = subprocess.Popen([sys.executable, str(PLAIN / "backend.py"), str(port)], env=os.environ | environment)
    origin = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(origin)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield origin
    finally:
        process.terminate()
        process.wait()


@contextmanager
def before_service(
    package: Path, data_dir: Path, patch: pytest.MonkeyPatch, page: Path = PLAIN
) -> Iterator[tuple[str, str]]:
    """Serves the page, and a service without networks that takes its captures; yields both origins."""
    port = free_port()
    settings = Settings(data_dir=data_dir, capture_origins=f"http://127.0.0.1:{port}")
    with stream_server(settings, StreamVerifier(), patch) as service, served(package, service, port, page) as origin:
        yield origin, service
