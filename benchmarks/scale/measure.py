"""Measures the gain of a second worker and the cost of a cluster: in process and on Ray, on the same registrations."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.simulate import prediction_error
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import Run, data_of, plain
from idproof.benchmarks.scale.configuration import IN_PROCESS, RAY, Configuration
from idproof.datasets.sets import read_sets
from idproof.pipeline.vault import hardening

_CONFIGURATIONS = ((IN_PROCESS, 1), (RAY, 1), (RAY, 2), (IN_PROCESS, 2))


@dataclass(frozen=True)
class Measured:
    """Measurements of one configuration.

    Attributes:
        per_s: registrations per second.
        latency_ms, service_ms, driver_ms: of each registration, see `configuration.Timed`.
        decisions: decision to number of registrations.
        weights: file name to SHA-256.
    """

    per_s: float
    latency_ms: list[float]
    service_ms: list[float]
    driver_ms: list[float]
    decisions: dict[str, int]
    weights: dict[str, str]


def measure_scaling(
    sets: Path,
    *,
    registrations: int = 40,
    profile: str = "open",
    seed: int = 0,
    measure: Callable[[Configuration], Measured] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Measures one and two workers in process and on Ray, one configuration after the other, each in new processes.

    All run under the guards of the service: memory is overwritten on free. Two workers need two idle cores.

    Args:
        sets: folder of registrations, taken in turn.
        registrations: number that each configuration verifies.
        profile: of the networks.
        seed: recorded with the run; nothing here is random.
        measure: measures one configuration; default: in a process of its own.
        progress: called with configurations done and in total.
    """
    found: dict[tuple[str, int], Measured] = {}
    for done, (executor, workers) in enumerate(_CONFIGURATIONS, start=1):
        chosen = Configuration(executor, workers, registrations, str(sets), profile)
        found[executor, workers] = (measure or measure_configuration)(chosen)
        progress(done, len(_CONFIGURATIONS))
    alone = found[RAY, 1]
    result = Run(
        bench="scale",
        profile=profile,
        weights=alone.weights,
        seed=seed,
        counts={_name(*key): {"registrations": len(m.latency_ms)} | m.decisions for key, m in found.items()},
        figures=_figures(found),
        extra={
            "data": data_of(read_sets(sets)),
            "service_ms": [round(value, 1) for value in alone.service_ms],
            "driver_ms": [round(value, 2) for value in alone.driver_ms],
        },
    )
    return replace(result, figures={**result.figures, "scale.simulation_error": _simulation_error(result)})


def _simulation_error(run: Run) -> dict[str, Any]:
    """Returns the larger prediction error, as a share of the throughput measured with one and two replicas."""
    costs, figures = Costs.of(run.to_json()), run.figures
    measured = [float(figures[f"scale.ray{workers}.throughput_per_s"]["value"]) for workers in (1, 2)]
    errors = prediction_error(costs, measured, len(costs.service_ms), seed=run.seed)
    return plain(max(map(abs, errors)), len(errors), "share of measured")


def measure_configuration(chosen: Configuration) -> Measured:
    """Measures one configuration in a process of its own; raises `BenchmarkFailed` when the process fails."""
    environment = os.environ | hardening.allocator_environment() | {"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "idproof.benchmarks.scale.configuration"],
        input=json.dumps(asdict(chosen)),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(
            f"{_name(chosen.executor, chosen.workers)} ended with {done.returncode}: {done.stderr[-400:]}"
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    timed = answer["timed"]
    decisions = [one["decision"] for one in timed]
    return Measured(
        per_s=len(timed) / answer["elapsed_s"],
        latency_ms=[one["latency_ms"] for one in timed],
        service_ms=[one["service_ms"] for one in timed],
        driver_ms=[one["driver_ms"] for one in timed],
        decisions={decision: decisions.count(decision) for decision in sorted(set(decisions))},
        weights=answer["weights"],
    )


def _figures(found: dict[tuple[str, int], Measured]) -> dict[str, dict[str, Any]]:
    one, two, inside = found[RAY, 1], found[RAY, 2], found[IN_PROCESS, 2]
    n = len(one.latency_ms)
    figures: dict[str, dict[str, Any]] = {}
    for key, measured in found.items():
        name = f"scale.{_name(*key)}"
        figures[f"{name}.throughput_per_s"] = plain(measured.per_s, n, "registrations a second")
        figures[f"{name}.p50_ms"] = plain(float(np.median(measured.latency_ms)), n, "ms")
        figures[f"{name}.p95_ms"] = plain(float(np.percentile(measured.latency_ms, 95)), n, "ms")
    apart = np.subtract(one.latency_ms, found[IN_PROCESS, 1].latency_ms)
    figures |= {
        "scale.ray2_over_ray1": plain(two.per_s / one.per_s, n, "ratio"),
        "scale.ray2_over_inprocess": plain(two.per_s / inside.per_s, n, "ratio"),
        "scale.overhead_ms": plain(float(np.median(one.driver_ms)), n, "ms"),
        "scale.ray1_minus_inprocess1_ms": plain(float(np.median(apart)), n, "ms"),
        "scale.contention": plain(float(np.mean(two.service_ms) / np.mean(one.service_ms)), n, "ratio"),
    }
    return figures


def _name(executor: str, workers: int) -> str:
    return f"{'ray' if executor == RAY else 'inprocess'}{workers}"
