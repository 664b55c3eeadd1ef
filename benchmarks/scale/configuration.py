"""Measures one configuration of `bench scale`, in a process of its own with the guards' environment.

`python -m idproof.benchmarks.scale.configuration` reads one JSON object on standard input and answers with one line.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from idproof.datasets.sets import RegistrationSet, read_sets
from idproof.pipeline import Captures, Limits, Policy, Verifier
from idproof.pipeline.executors.replica import ReplicaConfig
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.vault import hardening

IN_PROCESS, RAY = "in-process", "ray"
_WARM_UP = 2  # registrations per worker; the first ones also pay for memory and for networks that settle


@dataclass(frozen=True)
class Configuration:
    """One configuration to measure.

    Attributes:
        executor: `in-process` or `ray`.
        workers: registrations at once, and replicas.
        registrations: how many; the sets are taken in turn.
        sets: folder of registrations.
        profile: of the networks.
    """

    executor: str
    workers: int
    registrations: int
    sets: str
    profile: str


@dataclass(frozen=True)
class Timed:
    """Times of one registration in milliseconds.

    Attributes:
        latency_ms: from the captures to the verdict.
        service_ms: of that, examining and wiping.
        driver_ms: of that, sealing, sending and opening the reply; 0 in one process.
        decision: of the verdict.
    """

    latency_ms: float
    service_ms: float
    driver_ms: float
    decision: str


def measure(chosen: Configuration) -> dict[str, Any]:
    """Verifies the registrations; each client sends its next one when it has its verdict."""
    entries = read_sets(Path(chosen.sets))
    with _verifier(chosen) as verifier:
        _all(verifier, entries, chosen.workers, _WARM_UP * chosen.workers)
        start = time.perf_counter()
        timed = _all(verifier, entries, chosen.workers, chosen.registrations)
        elapsed = time.perf_counter() - start
        return {"elapsed_s": elapsed, "timed": [asdict(one) for one in timed], "weights": verifier.weights}


@contextmanager
def _verifier(chosen: Configuration) -> Iterator[Verifier]:
    spec = ReplicaConfig(profile=chosen.profile, policy=Policy.for_uploads())
    if chosen.executor == IN_PROCESS:
        yield Verifier.open(profile=chosen.profile, policy=Policy.for_uploads())
        return
    from idproof.pipeline.executors import ray_cluster

    ray_cluster.start(cpus=chosen.workers)
    try:
        executor = ray_cluster.deploy(spec, ray_cluster.ReplicaPool(chosen.workers, chosen.workers))
        tools = open_tools(spec.profile, spec.document, Policy.for_uploads(), Limits(), 1)
        yield Verifier(rules_for_tools(tools, None), executor)
    finally:
        ray_cluster.stop()


def _all(verifier: Verifier, entries: Sequence[RegistrationSet], workers: int, count: int) -> list[Timed]:
    with ThreadPoolExecutor(workers) as clients:
        return list(clients.map(lambda number: _one(verifier, entries[number % len(entries)]), range(count)))


def _one(verifier: Verifier, entry: RegistrationSet) -> Timed:
    captures = Captures.from_parts(entry.parts())
    start = time.perf_counter()
    verdict = verifier.verify(captures)
    latency = (time.perf_counter() - start) * 1000
    driver = verdict.timings_ms.get("cluster", 0.0)
    return Timed(latency, latency - driver, driver, verdict.decision.value)


if __name__ == "__main__":
    hardening.disable_core_dumps()
    hardening.disable_dumping()
    cv2.setNumThreads(1)
    print(json.dumps(measure(Configuration(**json.loads(sys.stdin.read())))))  # noqa: T201 - its one line of answer
