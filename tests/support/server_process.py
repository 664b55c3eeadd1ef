"""A real server on a free port, in a process of its own, as `idproof serve` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

WRITTEN_EXCEPTIONS = {
    "IDPROOF_ACCEPT_UPLOADS_BECAUSE": "specimens are posted to see how a registration is accepted",
    "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE": "a specimen has no frames",
}
"""Settings of an operator who accepts uploaded files without liveness."""
UNBOUNDED = {
    "IDPROOF_CAPTURES_REMEMBERED_HOURS": "0",
    "IDPROOF_CLIENT_UNUSED_SESSIONS": "1000000",
    "IDPROOF_CLIENT_UNANSWERED_CHALLENGES": "1000000",
}
"""Settings with which the same pictures answer again and sessions are left unused, as tests of other things do."""


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
    environment = (
        os.environ
        | {"TMPDIR": str(scratch), "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "default"}
        | WRITTEN_EXCEPTIONS
        | UNBOUNDED
    )
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
