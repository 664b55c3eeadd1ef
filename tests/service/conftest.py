"""A real server on a free port, in a process of its own, as `idproof serve` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from postgres import Cluster, cluster
from sqlalchemy import Engine

from idproof.service.operations.settings import Settings
from idproof.service.storage import Database


@dataclass
class Server:
    url: str
    data_dir: Path
    scratch: Path
    log: Path
    pid: int

    def logged(self) -> str:
        return self.log.read_text(errors="replace")


def start(folder: Path, port: int | None = None, more: tuple[str, ...] = ()) -> tuple[Server, subprocess.Popen[bytes]]:
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    log = folder / "server.log"
    command = [
        sys.executable,
        "-m",
        "idproof.service",
        "serve",
        "--port",
        str(port),
        "--data-dir",
        str(folder / "data"),
        *more,
    ]
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "default"}
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    server = Server(f"http://127.0.0.1:{port}", folder / "data", scratch, log, process.pid)
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        assert process.poll() is None, server.logged()
        try:
            if httpx.get(f"{server.url}/readyz", timeout=2).status_code == 200:
                return server, process
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError(server.logged())


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=40)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running, process = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(process)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def on_either(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database, once of each kind."""
    url = request.getfixturevalue("postgresql").database() if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", database_url=url)


@pytest.fixture(autouse=True)
def _connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However a test ends: the drivers warn of connections that are forgotten, and warnings are errors here."""
    opened: list[Database] = []
    begin = Database.__init__

    def remember(database: Database, engine: Engine) -> None:
        begin(database, engine)
        opened.append(database)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for database in opened:
        database.close()
