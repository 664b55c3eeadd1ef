"""Plans the machines for a number of registrations per hour (`idproof capacity`)."""

import math
from dataclasses import dataclass

import numpy as np

from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.queueing import Waiting, servers_needed, waiting

REPLICA_MIB = 1536
"""Memory per replica, measured: see docs/capacity.md."""
SERVER_MIB = 1024
"""Memory per HTTP server. Chosen by hand; no outside source."""
REGISTRATION_MIB = 3.5
"""Sealed captures of one registration: rendered sets have 1.4 MiB, cameras make larger ones. Chosen by hand."""
_SERVER_UTILISATION = 0.5  # an HTTP server is one process and adds waiting above this. Chosen by hand.
_MIB, _HOUR_S = 1024 * 1024, 3600


@dataclass(frozen=True)
class Plan:
    """The machines that are needed.

    Attributes:
        peak_per_s: registrations per second in the busiest hour.
        replicas: that examine, with one core each.
        servers: that receive registrations over HTTP, with one core each.
        cores: of both.
        nodes: machines with the given number of cores.
        memory_gib: of replicas, servers and what they exchange.
        mbit_per_s: of captures, in from the applicants and again to the replicas.
        store_mib: of sealed captures under way at once, over all nodes.
        waiting: for a replica, in the busiest hour.
        latency_p95_s: from the last byte to the verdict, in the busiest hour: waiting, sending, examining.
        node_hours: a month of 730 hours.
        money: of those, in the unit of the price; None without a price.
        core_hours_per_million: processor time of a million registrations, of replicas and servers, when every core of
            a machine is at work.
        money_per_million: of those, at the share of the price that a core has; None without a price. Idle time, spare
            machines and the database come on top.
    """

    peak_per_s: float
    replicas: int
    servers: int
    cores: int
    nodes: int
    memory_gib: float
    mbit_per_s: float
    store_mib: float
    waiting: Waiting
    latency_p95_s: float
    node_hours: float
    money: float | None
    core_hours_per_million: float
    money_per_million: float | None


def plan(
    costs: Costs,
    per_hour: float,
    *,
    peak: float = 3.0,
    wait_p95_s: float = 5.0,
    cores_per_node: int = 8,
    spare_nodes: int = 1,
    price: float | None = None,
) -> Plan:
    """Machines for so many registrations an hour.

    Args:
        costs: of one registration.
        per_hour: registrations in a mean hour.
        peak: how many times more come in the busiest hour.
        wait_p95_s: that 95 of 100 registrations may wait for a replica in the busiest hour.
        cores_per_node: of one machine.
        spare_nodes: that may fail without anybody waiting longer.
        price: of one machine for one hour.

    Raises:
        ValueError: a number is not positive.
    """
    if min(per_hour, peak, wait_p95_s, cores_per_node) <= 0:
        raise ValueError("numbers of registrations, seconds and cores are positive")
    per_s, service_s = per_hour * peak / _HOUR_S, costs.busy_ms / 1000
    replicas = servers_needed(per_s, service_s, costs.variation, wait_p95_s)
    queue = waiting(replicas, per_s, service_s, costs.variation)
    servers = max(1, math.ceil(per_s * float(np.mean(costs.driver_ms)) / 1000 / _SERVER_UTILISATION))
    nodes = math.ceil((replicas + servers) / cores_per_node) + spare_nodes
    under_way = replicas + per_s * queue.mean_s
    longest = float(np.percentile(costs.service_ms, 95)) * costs.contention + float(np.percentile(costs.driver_ms, 95))
    hours = nodes * 730.0
    million = 1e6 * (service_s + float(np.mean(costs.driver_ms)) / 1000) / _HOUR_S
    return Plan(
        peak_per_s=per_s,
        replicas=replicas,
        servers=servers,
        cores=replicas + servers,
        nodes=nodes,
        memory_gib=(replicas * REPLICA_MIB + servers * SERVER_MIB + 2 * under_way * REGISTRATION_MIB) / 1024,
        mbit_per_s=2 * per_s * REGISTRATION_MIB * _MIB * 8 / 1e6,
        store_mib=2 * under_way * REGISTRATION_MIB,
        waiting=queue,
        latency_p95_s=queue.p95_s + longest / 1000,
        node_hours=hours,
        money=None if price is None else hours * price,
        core_hours_per_million=million,
        money_per_million=None if price is None else million * price / cores_per_node,
    )
