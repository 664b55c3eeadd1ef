"""`idproof bench capacity`: clusters of several sizes, simulated."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.simulate import Outcome, World, simulate
from idproof.benchmarks.harness.output import INVENTED, Run, plain

_EACH = 25  # registrations of each replica: enough for its queue to settle
_SERVER_UTILISATION = 0.5
_STRAGGLERS = 0.02


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
    """Simulate clusters of so many machines, each under the same share of what it can do.

    Args:
        costs: of one registration.
        sizes: numbers of machines.
        replicas: of each machine.
        load: arrivals, as a share of what the replicas can do.
        failures: of one machine an hour.
        seed: of arrivals, stragglers and failures.
        progress: called with clusters done and in total.
    """
    figures: dict[str, dict[str, object]] = {}
    counts: dict[str, dict[str, int]] = {}
    for done, size in enumerate(sizes, start=1):
        cores = size * replicas
        per_s = load * cores / (costs.busy_ms / 1000 * (1 + _STRAGGLERS * (World.straggler_factor - 1)))
        servers = max(1, math.ceil(per_s * float(np.mean(costs.driver_ms)) / 1000 / _SERVER_UTILISATION))
        world = World(size, replicas, servers, per_s=per_s, straggler_share=_STRAGGLERS, failures_per_hour=failures)
        outcome = simulate(costs, world, registrations=_EACH * cores, seed=seed)
        figures |= _figures(f"capacity.nodes{size}", outcome, cores)
        counts[f"nodes{size}"] = _counts(outcome, _EACH * cores, servers)
        progress(done, len(sizes))
    extra = {"data": INVENTED, "simulated": True}
    return Run("capacity", costs.profile, {}, seed, counts, figures, extra)


def _figures(name: str, outcome: Outcome, cores: int) -> dict[str, dict[str, object]]:
    n = outcome.verdicts
    return {
        f"{name}.throughput_per_s": plain(outcome.per_s, n, "registrations a second"),
        f"{name}.utilisation": plain(outcome.busy_s / outcome.seconds / cores, n, "share of time"),
        f"{name}.waiting_p95_s": plain(float(np.percentile(outcome.waiting_s, 95)), n, "s"),
        f"{name}.latency_p95_s": plain(float(np.percentile(outcome.latency_s, 95)), n, "s"),
        f"{name}.latency_p99_s": plain(float(np.percentile(outcome.latency_s, 99)), n, "s"),
    }


def _counts(outcome: Outcome, registrations: int, servers: int) -> dict[str, int]:
    return {
        "registrations": registrations,
        "servers": servers,
        "verdicts": outcome.verdicts,
        "retried": outcome.retried,
        "referred": outcome.referred,
        "expired": outcome.expired,
        "refused": outcome.refused,
        "failures": outcome.failures,
        "lost": registrations - outcome.ended,
    }
