"""Starts `idproof serve` as an operator does: as a process of its own, with its own folder."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.processes import process_name, processor_s, session_processes

ANSWER_S = 600
"""Seconds until an answer of the server is given up. Chosen by hand; no outside source."""
_START_S = 120
"""Seconds until a server must be ready, or must have ended. Chosen by hand; no outside source."""
_POLL_S = 0.1
_GUARD_VARIABLES = ("MALLOC_PERTURB_", "GLIBC_TUNABLES", "PYTHONMALLOC")
_READER_PROGRAM = "tesseract"
_MIDDLE_S = 0.3
"""Processor time after which a registration was received and has no verdict: a third of it (docs/performance.md)."""


@dataclass
class Server:
    """One running server; all its processes are in one session of their own.

    Attributes:
        process: its first process.
        port: on 127.0.0.1.
        folder: everything that it may write: `data`, `tmp` and `server.log`.
    """

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def verifications_url(self) -> str:
        """Address that registrations are posted to."""
        return f"{self.url}/v1/verifications"

    @property
    def data_folder(self) -> Path:
        """Folder of its database and keys."""
        return self.folder / "data"

    def wait_until_reading(self, seconds: float = 120.0) -> list[int]:
        """Waits until the program Tesseract runs, in the middle of a verification; returns the ids of its processes.

        A server that has Tesseract's library, by the extra `ocr-fast`, starts no such program.

        Raises:
            BenchmarkFailed: it did not run in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            readers = [pid for pid in session_processes(self.process.pid) if process_name(pid) == _READER_PROGRAM]
            if readers:
                return readers
            time.sleep(0.001)
        raise BenchmarkFailed("The server never came to read the card.")

    def wait_until_verifying(self, seconds: float = 120.0) -> None:
        """Waits until the server, idle before, is in the middle of a verification, by the processor time that it used.

        Raises:
            BenchmarkFailed: it did not work in time.
        """
        begun, deadline = processor_s(self.process.pid), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if processor_s(self.process.pid) - begun >= _MIDDLE_S:
                return
            time.sleep(0.005)
        raise BenchmarkFailed("The server never began to verify.")

    def stop(self, how: signal.Signals) -> None:
        """Sends a signal and waits until no process of the session lives.

        Raises:
            BenchmarkFailed: a process of the session did not end.
        """
        self.process.send_signal(how)
        self.process.wait(timeout=ANSWER_S)
        deadline = time.monotonic() + _START_S
        while session_processes(self.process.pid):
            if time.monotonic() > deadline:
                raise BenchmarkFailed("A process of the server outlives it.")
            time.sleep(0.02)


@contextmanager
def running_server(
    folder: Path,
    options: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    *,
    module: Sequence[str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[Server]:
    """Starts a server and waits until it is ready; stops it at the end.

    Args:
        folder: made by this function; the server writes nowhere else.
        options: of `idproof serve`.
        settings: environment variables.
        module: another server's module; it is called with `module`, the port and the data folder. None for
            `idproof serve`.
        stop_signal: sent at the end to a server that still runs.

    Raises:
        BenchmarkFailed: the server did not become ready.
    """
    (folder / "tmp").mkdir(parents=True)
    port, data = free_port(), str(folder / "data")
    command = [sys.executable, "-P", "-m"]
    if module is None:
        command += ["idproof.service", "serve", "--port", str(port), "--data-dir", data, *options]
    else:
        command += [*module, str(port), data]
    # The server sets its guards itself; none may come from the benchmark's environment.
    environment = {name: value for name, value in os.environ.items() if name not in _GUARD_VARIABLES}
    environment |= {"TMPDIR": str(folder / "tmp"), "PYTHONSAFEPATH": "1", "IDPROOF_ANONYMOUS": "1"} | dict(
        settings or {}
    )
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder)
    server = Server(process, port, folder)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            _end(server, stop_signal)


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(server: Server, stop_signal: signal.Signals) -> None:
    if stop_signal is not signal.SIGKILL:
        server.process.send_signal(stop_signal)
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(_START_S)
            return
    server.stop(signal.SIGKILL)


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise BenchmarkFailed((server.folder / "server.log").read_text(errors="replace")[-400:])
        with suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(_POLL_S)
    raise BenchmarkFailed("The server was not ready in time.")
