"""Measures what floods of clients without a key cost an honest client, and the server's memory.

The server is `idproof serve --sandbox`, without networks: the figures are of everything before a verification. The
honest client has a key and opens a connection for each request. The times in each flood are held against those right
before it, since the machine itself changes, and the memory against that before all floods.
"""

import http.client
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import Run, plain
from idproof.benchmarks.harness.processes import resident_mib
from idproof.benchmarks.harness.server import Server, running_server
from idproof.benchmarks.load.floods import FLOODS

_PAUSE_S = 0.05
"""Seconds between two requests of the honest client. Chosen by hand; no outside source."""
_RISE_S = 2.0
"""Seconds in which a flood opens its connections before the honest client is measured. Chosen by hand."""
_ANSWER_S = 30.0
"""Seconds after which an answer counts as missing. Chosen by hand; no outside source."""
_KEY_S = 60
"""Seconds in which the command makes a key on a busy machine. Chosen by hand; no outside source."""


@dataclass(frozen=True, slots=True)
class Service:
    """Measurements of an honest client and of the server that it asked.

    Attributes:
        times_ms: of its requests.
        failed: requests without an answer, or with another than 200.
        mib: largest resident memory of the server.
    """

    times_ms: tuple[float, ...]
    failed: int
    mib: float

    def quantile_ms(self, percent: float) -> float:
        """Returns a quantile of the times."""
        return float(np.percentile(self.times_ms, percent))


def measure_floods(
    *,
    seconds: float = 8.0,
    kinds: Sequence[str] = tuple(FLOODS),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Measures an honest client before and during each flood.

    Args:
        seconds: of each measurement.
        kinds: names of floods.
        progress: called with floods done and in total.

    Raises:
        BenchmarkFailed: the server did not start, or answers an honest client nothing even without a flood.
    """
    figures: dict[str, Any] = {}
    failed: dict[str, int] = {}
    with sandbox() as (server, key):
        observe(server, key, _RISE_S)  # the first requests of a server are slow
        first = observe(server, key, seconds)
        for number, kind in enumerate(kinds):
            before = first if number == 0 else observe(server, key, seconds)
            if not before.times_ms:
                raise BenchmarkFailed("The server answered nothing without a flood.")
            with flooded(server, kind, seconds + 2 * _RISE_S):
                time.sleep(_RISE_S)
                during = observe(server, key, seconds)
            failed[kind] = during.failed
            # Memory against the time before all floods, so that what one leaves behind counts.
            figures |= compare(kind, replace(before, mib=first.mib), during)
            progress(number + 1, len(kinds))
    return Run(
        bench="load",
        profile="sandbox",
        weights={},
        seed=0,
        counts={"floods": len(kinds), "seconds": seconds, "unanswered": failed},
        figures=figures,
    )


def compare(kind: str, before: Service, during: Service) -> dict[str, Any]:
    """Returns the figures of one flood: ratios of medians, of 95th percentiles, and of memory."""
    n = len(during.times_ms)
    unit = "during / before"
    latency, slowest = (
        during.quantile_ms(percent) / before.quantile_ms(percent) if n else math.inf for percent in (50, 95)
    )
    return {
        f"load.flood.{kind}.latency_ratio": plain(latency, n, unit),
        f"load.flood.{kind}.p95_ratio": plain(slowest, n, unit),
        f"load.flood.{kind}.memory_ratio": plain(during.mib / before.mib, n, unit),
    }


@contextmanager
def sandbox() -> Iterator[tuple[Server, str]]:
    """Runs a sandbox of its own; yields the server and a key."""
    settings = {"IDPROOF_INSPECTABLE": "1", "IDPROOF_RATE_PER_MINUTE": "1000000", "IDPROOF_ANONYMOUS": "0"}
    with (
        tempfile.TemporaryDirectory(prefix="idproof-floods-") as folder,
        running_server(Path(folder) / "server", ["--sandbox"], settings) as server,
    ):
        command = [sys.executable, "-P", "-m", "idproof.service", "key", "create", "--sandbox", "--name", "honest"]
        command += ["--scope", "verdict:read", "--scope", "metrics:read", "--data-dir", str(server.data_folder)]
        made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_KEY_S)
        yield server, made.stdout.split()[-1]


@contextmanager
def flooded(server: Server, kind: str, seconds: float) -> Iterator[None]:
    """Floods a server from another process while the context is open, for so many seconds at most."""
    command = [sys.executable, "-P", "-m", "idproof.benchmarks.load.floods", kind, str(server.port), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def observe(server: Server, key: str, seconds: float) -> Service:
    """Sends requests of an honest client for so many seconds, one after the other."""
    times_ms, failed, mib, until = [], 0, 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.perf_counter()
        if ask(server, key, "/v1/verifications?limit=1")[0] == http.client.OK:
            times_ms.append((time.perf_counter() - started) * 1000)
        else:
            failed += 1
        mib = max(mib, resident_mib(server.process.pid))
        time.sleep(_PAUSE_S)
    return Service(tuple(times_ms), failed, mib)


def ask(server: Server, key: str, path: str) -> tuple[int, bytes]:
    """Sends one request on a connection of its own; returns status and body, or 0 without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
