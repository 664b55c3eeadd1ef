"""What the service bears: throughput, answer times, memory over time, verdicts lost or doubled at the identity core.

The server is `idproof serve` as a process of its own, called through the Python client; the identity core is a small
HTTP server here. With `sandbox` the networks are left out: then the figures are of everything around them.
"""

import base64
import io
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from scipy import stats

from idproof.benchmarks.errors import BenchFailed
from idproof.benchmarks.harness.output import Run, plain
from idproof.client import Client, Problem, Unreachable

_START_S, _SETTLE_S = 120, 60
_SAMPLE_S = 0.25
_KIB_A_MIB = 1024
_WARM_UP = 0.25  # share of the run whose memory still grows because libraries settle


@dataclass
class Core:
    """An identity core that counts: verdict id to how many events told of it."""

    told: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, token: bytes) -> str:
        """Take one event; its id."""
        payload = token.split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        with self.lock:
            self.told.setdefault(claims["verification"], set()).add(claims["jti"])
        return str(claims["jti"])


@dataclass(frozen=True)
class Sample:
    """Resident memory of the server, MiB, after so many registrations."""

    registrations: int
    mib: float


def run(
    captures: Sequence[dict[str, bytes]],
    *,
    registrations: int,
    clients: int,
    sandbox: bool = False,
    profile: str = "open",
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Send so many registrations by so many clients at once.

    Args:
        captures: by part name, taken in turn; empty for the sandbox's own.
        registrations: how many.
        clients: at once; each sends its next registration when it has its verdict.
        sandbox: leave the networks out.
        profile: of the networks.
        seed: recorded with the run; nothing here is random.
        progress: called with registrations done and in total.

    Raises:
        BenchFailed: there is nothing to measure.
    """
    core = Core()
    with listening(core) as core_url, _serving(core_url, clients, profile, sandbox=sandbox) as (url, pid):
        sets = [_persona(url)] if sandbox else list(captures)
        if not sets:
            raise BenchFailed("There are no captures to send; name a folder with --sets, or use --sandbox.")
        load = Load(url, pid, sets, progress, registrations)
        load.run(clients)
        settle(core, load.given)
    return Run(
        bench="load",
        profile="sandbox" if sandbox else profile,
        weights=load.weights,
        seed=seed,
        counts=load.counts() | {"clients": clients, "core_events": sum(len(events) for events in core.told.values())},
        figures=_figures(load, core),
    )


class Load:
    """Clients that send registrations, and what came of each."""

    def __init__(
        self,
        url: str,
        pid: int,
        sets: Sequence[dict[str, bytes]],
        progress: Callable[[int, int], None],
        total: int,
    ) -> None:
        self._url, self._pid, self._sets, self._progress, self._total = url, pid, sets, progress, total
        self.given: list[str] = []
        self.times_ms: list[float] = []
        self.memory: list[Sample] = []
        self.weights: dict[str, str] = {}
        self.seconds = 0.0
        self._failed: dict[str, int] = {}
        self._lock = threading.Lock()

    def run(self, clients: int) -> None:
        """Send all; each client sends its next when it has its verdict."""
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=[done])
        numbers = iter(range(self._total))
        started = time.perf_counter()
        watcher.start()
        try:
            with ThreadPoolExecutor(clients) as pool:
                for worker in [pool.submit(self._client, numbers) for _ in range(clients)]:
                    worker.result()
        finally:
            self.seconds = time.perf_counter() - started
            done.set()
            watcher.join()

    def counts(self) -> dict[str, Any]:
        """Registrations, verdicts, and problems by code."""
        return {"registrations": self._total, "verdicts": len(self.given), "problems": dict(self._failed)}

    def _client(self, numbers: Iterator[int]) -> None:
        with Client(self._url) as client:
            while True:
                with self._lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self._one(client, number)

    def _one(self, client: Client, number: int) -> None:
        started = time.perf_counter()
        try:
            session = client.open_session().id
            captures = self._sets[number % len(self._sets)]
            verdict = client.verify(captures, session=session, reference=f"load-{number}")
        except (Problem, Unreachable) as error:
            code = getattr(error, "code", "unreachable")
            with self._lock:
                self._failed[code] = self._failed.get(code, 0) + 1
            return
        with self._lock:
            self.times_ms.append((time.perf_counter() - started) * 1000)
            self.given.append(verdict.id)
            self.weights = dict(verdict.document["weights"])
            self._progress(len(self.given), self._total)

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(_SAMPLE_S):
            self.memory.append(Sample(len(self.given), resident_mib(self._pid)))


def _figures(load: Load, core: Core) -> dict[str, Any]:
    n = len(load.given)
    if not n:
        raise BenchFailed("No registration got a verdict.")
    figures = {
        f"load.p{quantile}_ms": plain(float(np.percentile(load.times_ms, quantile)), n, "ms")
        for quantile in (50, 95, 99)
    }
    lost = sum(verdict not in core.told for verdict in load.given)
    doubled = sum(len(events) > 1 for events in core.told.values())
    return figures | {
        "load.throughput_per_s": plain(n / load.seconds, n, "registrations a second"),
        "load.lost": plain(lost, n, "verdicts"),
        "load.doubled": plain(doubled, n, "verdicts"),
        "load.rss_slope_mib_per_1000": _slope(load.memory),
        "load.rss_mib": plain(
            max((sample.mib for sample in load.memory), default=0.0), len(load.memory), "MiB, largest"
        ),
    }


def _slope(memory: Sequence[Sample]) -> dict[str, Any]:
    """Least squares over the samples after the warm-up; the interval takes them for independent, which flatters it."""
    last = memory[-1].registrations if memory else 0
    later = [sample for sample in memory if sample.registrations >= _WARM_UP * last]
    unit = "MiB for 1,000 registrations"
    if len({sample.registrations for sample in later}) < 3:
        return {"value": None, "low": None, "high": None, "n": len(later), "unit": unit}
    fit = stats.linregress([sample.registrations for sample in later], [sample.mib for sample in later])
    spread = float(stats.t.ppf(0.975, len(later) - 2) * fit.stderr) * 1000
    value = float(fit.slope) * 1000
    return {"value": value, "low": value - spread, "high": value + spread, "n": len(later), "unit": unit}


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / _KIB_A_MIB
    return 0.0


def settle(core: Core, given: Sequence[str]) -> None:
    """Wait until the core was told of every verdict, or will not be."""
    deadline = time.monotonic() + _SETTLE_S
    while not set(given) <= core.told.keys() and time.monotonic() < deadline:
        time.sleep(0.1)


def _persona(url: str) -> dict[str, bytes]:
    answer = httpx.get(f"{url}/sandbox/personas/accept/captures.zip", timeout=_START_S)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name.removesuffix(".jpg"): archive.read(name) for name in archive.namelist()}


@contextmanager
def listening(core: Core) -> Iterator[str]:
    """The identity core as an HTTP server; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = core.receive(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"received": event}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _serving(core_url: str, clients: int, profile: str, *, sandbox: bool) -> Iterator[tuple[str, int]]:
    limits = {"IDPROOF_CORE_URL": core_url, "IDPROOF_RATE_PER_MINUTE": "1000000", "IDPROOF_QUEUE": str(clients)}
    limits |= {"IDPROOF_CLIENT_CONCURRENCY": str(clients)}
    with (
        tempfile.TemporaryDirectory(prefix="idproof-load-") as folder,
        served(Path(folder), ["--sandbox"] if sandbox else ["--profile", profile], limits) as running,
    ):
        yield running


@contextmanager
def served(folder: Path, options: Sequence[str], limits: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """`idproof serve` with its data in this folder; its address and process. Raises `BenchFailed`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "idproof.service", "serve", "--port", str(port), "--data-dir", str(folder)]
    with (folder / "log").open("wb") as log:
        environment = os.environ | {"IDPROOF_INSPECTABLE": "1", **limits}
        process = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    for _ in itertools.takewhile(lambda _: time.monotonic() < deadline, itertools.count()):
        if process.poll() is not None:
            break
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise BenchFailed("The server did not become ready.")
