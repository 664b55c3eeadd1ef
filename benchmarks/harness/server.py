"""Servers as an operator starts them, and the searching process, for the benchmark of deletion."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from idproof.benchmarks.deletion.canaries import Canary, Needles
from idproof.benchmarks.deletion.search import processes
from idproof.benchmarks.errors import BenchFailed

_START_S = 90
ANSWER_S = 600
_GUARDS = ("MALLOC_PERTURB_", "GLIBC_TUNABLES", "PYTHONMALLOC")
_READER = "tesseract"


GRACE_S = 2.0
"""For which a streaming device that was cut off may come back."""


@dataclass
class Server:
    """One running server; every process of it is in a session of its own.

    Attributes:
        process: its first process.
        port: on 127.0.0.1.
        folder: all that it may write: data, temporary files and its log.
    """

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where registrations are posted."""
        return f"http://127.0.0.1:{self.port}/v1/verifications"

    def readers(self) -> list[int]:
        """Its reading processes at this moment: it is in the middle of a verification when there is one."""
        return [pid for pid in processes(self.process.pid) if _name(pid) == _READER]

    def until_reading(self, seconds: float = 120.0) -> list[int]:
        """Wait for the middle of a verification."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.readers():
                return found
            time.sleep(0.001)
        raise BenchFailed("The server never came to read the card.")

    def end(self, how: signal.Signals) -> None:
        """Send a signal and wait until no process of the session lives."""
        self.process.send_signal(how)
        self.process.wait(timeout=ANSWER_S)
        deadline = time.monotonic() + _START_S
        while processes(self.process.pid):
            if time.monotonic() > deadline:
                raise BenchFailed("A process of the server outlives it.")
            time.sleep(0.02)


@contextmanager
def serving(
    folder: Path,
    mode: str | None = None,
    *,
    profile: str = "open",
    more: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """`idproof serve`, with more options and settings, or with a mode the changed server of `deletion_server`."""
    folder.mkdir()
    (folder / "tmp").mkdir()
    port = _free_port()
    data = str(folder / "data")
    module = ["-m", "idproof.benchmarks.deletion.server", str(mode), str(port), data]
    if mode is None:
        module = ["-m", "idproof.service", "serve", "--port", str(port), "--data-dir", data, "--profile", profile]
        module += more
    # Guards are the server's own business: none comes from our surroundings.
    surroundings = {name: value for name, value in os.environ.items() if name not in _GUARDS}
    ours = {"TMPDIR": str(folder / "tmp"), "PYTHONSAFEPATH": "1", "IDPROOF_BENCH_DELETION": "1"}
    # The control puts a picture into shared memory, to be found.
    plant = Path("/dev/shm") / f"idproof-control-{os.getpid()}-{port}"  # noqa: S108
    ours |= {"IDPROOF_BENCH_PLANT": str(plant)}
    ours |= {"IDPROOF_CONCURRENCY": "2", "IDPROOF_QUEUE": "8", "IDPROOF_PROFILE": profile}
    ours |= {"IDPROOF_SESSION_REQUIRED": "0"}  # a session holds no picture
    ours |= {"IDPROOF_STREAM_GRACE_S": str(GRACE_S)}
    ours |= settings or {}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *module],
            env=surroundings | ours,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
        )
    server = Server(process, port, folder)
    try:
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            server.end(signal.SIGKILL)
        plant.unlink(missing_ok=True)


def post(client: httpx.Client, server: Server, canary: Canary) -> httpx.Response:
    """One registration."""
    files = {role: (f"{role}.jpg", data, "image/jpeg") for role, data in canary.parts.items()}
    return client.post(server.url, files=files, timeout=ANSWER_S)


def hang_up(server: Server, canary: Canary) -> None:
    """Send about half of a registration, and go."""
    request = httpx.Request("POST", server.url, files={r: (r, d, "image/jpeg") for r, d in canary.parts.items()})
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"POST /v1/verifications HTTP/1.1\r\n{head}\r\n".encode() + body[: len(body) // 2])
        time.sleep(0.3)


class Search:
    """The searching process, from here."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "idproof.benchmarks.deletion.search"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONSAFEPATH": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def load(self, needles: Needles, texts: tuple[str, ...]) -> None:
        """What to look for from now on."""
        self._ask({"load": len(needles), "texts": list(texts)}, needles.data.tobytes())

    def look(
        self, server: Server, *, since: float | None = None, marker: str | None = None, folders: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Everything that lives of a server and everything it wrote; since a moment, the whole disk too.

        Args:
            server: to look at.
            since: seconds since the epoch.
            marker: in the environment of other processes to look at.
            folders: of theirs.
        """
        request = {"session": server.process.pid, "folders": [str(server.folder), *folders], "since": since}
        request |= {"marker": marker}
        answer = self._ask({"search": request})
        if "refused" in answer:
            raise BenchFailed(
                f"The server's memory may not be searched ({answer['refused']}); run this benchmark as root, since the "
                "server does not let its own user look (PR_SET_DUMPABLE)."
            )
        return answer

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> dict[str, Any]:
        source, answers = self._process.stdin, self._process.stdout
        assert source is not None  # noqa: S101 - it was opened with both
        assert answers is not None  # noqa: S101
        source.write(json.dumps(request).encode() + b"\n" + data)
        source.flush()
        line = answers.readline()
        if not line:
            raise BenchFailed("The searching process ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: Server) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise BenchFailed((server.folder / "server.log").read_text(errors="replace")[-400:])
        try:
            if httpx.get(f"http://127.0.0.1:{server.port}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise BenchFailed("The server was not ready in time.")
