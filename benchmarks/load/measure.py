"""Measures the service under load: throughput, answer times, memory over time, and verdicts lost or doubled.

The server is `idproof serve` as a process of its own, called through the Python client; the identity core is a small
HTTP server in this process. With `sandbox` the networks are left out: the figures are then of everything around them.
"""

import io
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from scipy import stats

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.identity_core import IdentityCore
from idproof.benchmarks.harness.output import Run, plain
from idproof.benchmarks.harness.processes import resident_mib
from idproof.benchmarks.harness.server import running_server
from idproof.client import Client, Problem, Unreachable

_SAMPLE_S = 0.25
"""Seconds between two readings of the server's memory. Chosen by hand; no outside source."""
_WARM_UP = 0.25
"""Share of the run in which memory still grows because libraries settle. Chosen by hand; no outside source."""
_PERSONA_S = 120


@dataclass(frozen=True)
class Sample:
    """Resident memory of the server, MiB, after this many registrations."""

    registrations: int
    mib: float


def measure_load(
    captures: Sequence[dict[str, bytes]],
    *,
    registrations: int,
    clients: int,
    sandbox: bool = False,
    profile: str = "open",
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Sends registrations from several clients at once.

    Args:
        captures: pictures by part name, taken in turn; not used in the sandbox, which has its own.
        registrations: how many.
        clients: at once; each sends its next registration when it has its verdict.
        sandbox: leave the networks out.
        profile: of the networks.
        seed: recorded with the run; nothing here is random.
        progress: called with registrations done and in total.

    Raises:
        BenchmarkFailed: there is nothing to send, the server did not start, or no registration got a verdict.
    """
    core = IdentityCore()
    with tempfile.TemporaryDirectory(prefix="idproof-load-") as folder, core.listening() as core_url:
        options = ["--sandbox"] if sandbox else ["--profile", profile]
        with running_server(Path(folder) / "server", options, server_settings(core_url, clients)) as server:
            sets = [_sandbox_captures(server.url)] if sandbox else list(captures)
            if not sets:
                raise BenchmarkFailed("There are no captures to send; name a folder with --sets, or use --sandbox.")
            load = LoadGenerator(server.url, server.process.pid, sets, progress, registrations)
            load.run(clients)
            core.wait_for(load.verdicts)
    return Run(
        bench="load",
        profile="sandbox" if sandbox else profile,
        weights=load.weights,
        seed=seed,
        counts=load.counts() | {"clients": clients, "core_events": sum(len(events) for events in core.events.values())},
        figures=figures(load, core),
    )


def server_settings(core_url: str, clients: int) -> dict[str, str]:
    """Returns the server's settings, by which none of so many clients is refused."""
    return {
        "IDPROOF_CORE_URL": core_url,
        "IDPROOF_INSPECTABLE": "1",  # this process reads its memory use
        "IDPROOF_RATE_PER_MINUTE": "1000000",
        "IDPROOF_QUEUE": str(clients),
        "IDPROOF_WAIT_S": "600",
        "IDPROOF_CLIENT_CONCURRENCY": str(clients),
        "IDPROOF_CAPTURES_REMEMBERED_HOURS": "0",  # few registrations are sent many times
    }


def _sandbox_captures(url: str) -> dict[str, bytes]:
    answer = httpx.get(f"{url}/sandbox/personas/accept/captures.zip", timeout=_PERSONA_S)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name.removesuffix(".jpg"): archive.read(name) for name in archive.namelist()}


class LoadGenerator:
    """Clients that send registrations; keeps the verdicts, times and problems."""

    def __init__(
        self,
        url: str,
        pid: int,
        sets: Sequence[dict[str, bytes]],
        progress: Callable[[int, int], None],
        total: int,
    ) -> None:
        self._url, self._pid, self._sets, self._progress, self._total = url, pid, sets, progress, total
        self.verdicts: list[str] = []
        self.times_ms: list[float] = []
        self.memory: list[Sample] = []
        self.weights: dict[str, str] = {}
        self.seconds = 0.0
        self._failed: dict[str, int] = {}
        self._lock = threading.Lock()

    def run(self, clients: int) -> None:
        """Sends all registrations; each client sends its next one when it has its verdict."""
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
        """Returns the numbers of registrations, verdicts, and problems per code."""
        return {"registrations": self._total, "verdicts": len(self.verdicts), "problems": dict(self._failed)}

    def _client(self, numbers: Iterator[int]) -> None:
        with Client(self._url) as client:
            while True:
                with self._lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self._send(client, number)

    def _send(self, client: Client, number: int) -> None:
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
            self.verdicts.append(verdict.id)
            self.weights = dict(verdict.document["weights"])
            self._progress(len(self.verdicts), self._total)

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(_SAMPLE_S):
            self.memory.append(Sample(len(self.verdicts), resident_mib(self._pid)))


def figures(load: LoadGenerator, core: IdentityCore) -> dict[str, Any]:
    """Returns the figures of a finished run; raises `BenchmarkFailed` when no registration got a verdict."""
    n = len(load.verdicts)
    if not n:
        raise BenchmarkFailed("No registration got a verdict.")
    found = {
        f"load.p{quantile}_ms": plain(float(np.percentile(load.times_ms, quantile)), n, "ms")
        for quantile in (50, 95, 99)
    }
    lost = sum(verdict not in core.events for verdict in load.verdicts)
    doubled = sum(len(events) > 1 for events in core.events.values())
    return found | {
        "load.throughput_per_s": plain(n / load.seconds, n, "registrations a second"),
        "load.lost": plain(lost, n, "verdicts"),
        "load.doubled": plain(doubled, n, "verdicts"),
        "load.rss_slope_mib_per_1000": memory_slope(load.memory),
        "load.rss_mib": plain(
            max((sample.mib for sample in load.memory), default=0.0), len(load.memory), "MiB, largest"
        ),
    }


def memory_slope(memory: Sequence[Sample]) -> dict[str, Any]:
    """Fits a line to the samples after the warm-up; the interval assumes independent samples, so it is too narrow."""
    last = memory[-1].registrations if memory else 0
    later = [sample for sample in memory if sample.registrations >= _WARM_UP * last]
    unit = "MiB for 1,000 registrations"
    if len({sample.registrations for sample in later}) < 3:
        return {"value": None, "low": None, "high": None, "n": len(later), "unit": unit}
    fit = stats.linregress([sample.registrations for sample in later], [sample.mib for sample in later])
    half_width = float(stats.t.ppf(0.975, len(later) - 2) * fit.stderr) * 1000
    value = float(fit.slope) * 1000
    return {"value": value, "low": value - half_width, "high": value + half_width, "n": len(later), "unit": unit}
