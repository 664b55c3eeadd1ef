"""Measures the service with growing numbers of clients, beside the same verifications on threads of one process.

The threads are as many as the processors that the server takes, and run under the same guards. They are measured before
and after the server, so that what slows the machine meanwhile slows both.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.identity_core import IdentityCore
from idproof.benchmarks.harness.output import Run, data_of, plain
from idproof.benchmarks.harness.processes import processor_s
from idproof.benchmarks.harness.server import Server, running_server
from idproof.benchmarks.load.measure import LoadGenerator, figures, server_settings
from idproof.benchmarks.scale.configuration import IN_PROCESS, Configuration
from idproof.benchmarks.scale.measure import measure_configuration
from idproof.datasets.sets import read_sets

InProcess = Callable[[Configuration], float]


def measure_steps(
    sets: Path,
    clients: Sequence[int],
    *,
    registrations: int,
    processors: int = 2,
    profile: str = "open",
    seed: int = 0,
    in_process: InProcess = lambda chosen: measure_configuration(chosen).per_s,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Sends registrations from so many clients at once, then from so many, to one server.

    Args:
        sets: folder of registrations, taken in turn.
        clients: numbers of clients; each client sends its next registration when it has its verdict.
        registrations: of each step.
        processors: threads that the server examines on, and threads of the comparison.
        profile: of the networks.
        seed: recorded with the run; nothing here is random.
        in_process: measures registrations per second of the comparison.
        progress: called with steps done and in total.

    Raises:
        BenchmarkFailed: there is nothing to send, the server did not start, or no registration got a verdict.
    """
    entries = read_sets(sets)
    if not entries:
        raise BenchmarkFailed("There are no captures to send; name a folder with --sets.")
    captures = [entry.parts() for entry in entries]
    chosen = Configuration(IN_PROCESS, processors, registrations, str(sets), profile)
    total = len(clients) + 2
    inside = [in_process(chosen)]
    progress(1, total)
    core, found, loads = IdentityCore(), dict[str, Any](), list[LoadGenerator]()
    with tempfile.TemporaryDirectory(prefix="idproof-load-") as folder, core.listening() as core_url:
        settings = server_settings(core_url, max(clients)) | {
            "IDPROOF_CONCURRENCY": str(processors),
            "IDPROOF_BRANCHES": str(processors),
        }
        started = time.perf_counter()
        with running_server(Path(folder) / "server", ["--profile", profile], settings) as server:
            first = LoadGenerator(server.url, server.process.pid, captures, lambda *_: None, 1)
            first.run(1)
            first_verdict_s = time.perf_counter() - started
            LoadGenerator(server.url, server.process.pid, captures, lambda *_: None, 2 * processors).run(processors)
            for number in clients:
                load = LoadGenerator(server.url, server.process.pid, captures, lambda *_: None, registrations)
                found |= _step(server, load, number)
                loads.append(load)
                progress(1 + len(loads), total)
            core.wait_for([verdict for load in loads for verdict in load.verdicts])
    inside.append(in_process(chosen))
    progress(total, total)
    best, within = max(len(load.verdicts) / load.seconds for load in loads), float(np.mean(inside))
    found |= {
        "load.first_verdict_s": plain(first_verdict_s, 1, "s, from the start of the server"),
        "load.inprocess.throughput_per_s": plain(within, 2 * registrations, "registrations a second"),
        "load.over_inprocess": plain(best / within, registrations, "ratio, of the step with the highest throughput"),
    }
    return Run(
        bench="load",
        profile=profile,
        weights=loads[-1].weights,
        seed=seed,
        counts={f"clients{number}": load.counts() for number, load in zip(clients, loads, strict=True)}
        | {"processors": processors},
        figures=figures(loads[-1], core) | found,
        extra={"data": data_of(entries)},
    )


def _step(server: Server, load: LoadGenerator, clients: int) -> dict[str, Any]:
    before = processor_s(server.process.pid)
    load.run(clients)
    spent, n = processor_s(server.process.pid) - before, len(load.verdicts)
    if not n:
        raise BenchmarkFailed("No registration got a verdict.")
    name = f"load.clients{clients}"
    p50, p95 = (float(np.percentile(load.times_ms, quantile)) for quantile in (50, 95))
    return {
        f"{name}.throughput_per_s": plain(n / load.seconds, n, "registrations a second"),
        f"{name}.p50_ms": plain(p50, n, "ms"),
        f"{name}.p95_ms": plain(p95, n, "ms"),
        f"{name}.processor_ms": plain(spent * 1000 / n, n, "ms of the server's processor time a registration"),
        f"{name}.p50_over_processor": plain(p50 * n / (spent * 1000), n, "ratio"),
    }
