"""Simulates clusters of several sizes (`idproof bench capacity`)."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.simulate import ClusterConfig, SimulationResult, simulate
from idproof.benchmarks.harness.output import INVENTED, Run, plain

# Chosen by hand; no outside source.
_EACH = 25  # registrations per replica: enough for its queue to settle
_SERVER_UTILISATION = 0.5  # of the servers that send registrations to the cluster
_STRAGGLERS = 0.02  # share of registrations that take four times as long


def simulate_clusters(
    costs: Costs,
    sizes: Sequence[int],
    *,
    replicas: int = 7,
    load: float = 0.8,
    failures: float = 0.1,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Simulates clusters of several sizes, each under the same share of its capacity.

    Args:
        costs: of one registration.
        sizes: numbers of machines.
        replicas: per machine.
        load: arrivals, as a share of the capacity.
        failures: per machine and hour.
        seed: of arrivals, stragglers and failures.
        progress: called with clusters done and in total.
    """
    figures: dict[str, dict[str, object]] = {}
    counts: dict[str, dict[str, int]] = {}
    for done, size in enumerate(sizes, start=1):
        cores = size * replicas
        per_s = load * cores / (costs.busy_ms / 1000 * (1 + _STRAGGLERS * (ClusterConfig.straggler_factor - 1)))
        servers = max(1, math.ceil(per_s * float(np.mean(costs.driver_ms)) / 1000 / _SERVER_UTILISATION))
        cluster = ClusterConfig(
            size, replicas, servers, per_s=per_s, straggler_share=_STRAGGLERS, failures_per_hour=failures
        )
        result = simulate(costs, cluster, registrations=_EACH * cores, seed=seed)
        figures |= _figures(f"capacity.nodes{size}", result, cores)
        counts[f"nodes{size}"] = _counts(result, _EACH * cores, servers)
        progress(done, len(sizes))
    extra = {"data": INVENTED, "simulated": True}
    return Run("capacity", costs.profile, {}, seed, counts, figures, extra)


def _figures(name: str, result: SimulationResult, cores: int) -> dict[str, dict[str, object]]:
    n = result.verdicts
    return {
        f"{name}.throughput_per_s": plain(result.per_s, n, "registrations a second"),
        f"{name}.utilisation": plain(result.busy_s / result.seconds / cores, n, "share of time"),
        f"{name}.waiting_p95_s": plain(float(np.percentile(result.waiting_s, 95)), n, "s"),
        f"{name}.latency_p95_s": plain(float(np.percentile(result.latency_s, 95)), n, "s"),
        f"{name}.latency_p99_s": plain(float(np.percentile(result.latency_s, 99)), n, "s"),
    }


def _counts(result: SimulationResult, registrations: int, servers: int) -> dict[str, int]:
    return {
        "registrations": registrations,
        "servers": servers,
        "verdicts": result.verdicts,
        "retried": result.retried,
        "referred": result.referred,
        "expired": result.expired,
        "refused": result.refused,
        "failures": result.failures,
        "lost": registrations - result.ended,
    }
