"""A discrete-event simulation of a cluster: the effect of queues, stragglers and failing nodes on registrations.

Events are simpy's. Times in a replica and in the server are measured (`Costs`); `ClusterConfig` holds the assumptions.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from idproof.benchmarks.capacity.measured import Costs

Events = Generator[simpy.Event, Any, None]
_TRIES = 2  # as `distribute` does: once more, then a person decides
_LIFETIME_S = 120.0


@dataclass(frozen=True)
class ClusterConfig:
    """The simulated cluster.

    Attributes:
        nodes: machines with replicas.
        replicas: of each, one core each.
        servers: HTTP servers; each seals and sends one registration at a time.
        clients: clients that send their next registration when they have a verdict; 0 for Poisson arrivals.
        per_s: arrivals per second (Poisson), without clients.
        straggler_share: of the registrations, that take longer.
        straggler_factor: factor by which they take longer.
        failures_per_hour: of one node.
        repair_s: until a failed node is replaced.
        queue: registrations that may wait for a replica; further ones are refused.
    """

    nodes: int
    replicas: int = 1
    servers: int = 1
    clients: int = 0
    per_s: float = 0.0
    straggler_share: float = 0.0
    straggler_factor: float = 4.0
    failures_per_hour: float = 0.0
    repair_s: float = 60.0
    queue: int = 10_000


@dataclass
class SimulationResult:
    """Counts and times of a simulation.

    Attributes:
        verdicts: given by a replica.
        referred: to a person, because two replicas failed over them.
        refused: before anything was examined.
        expired: not examined within their lifetime; the applicant must try again.
        retried: examined a second time.
        failures: of nodes.
        latency_s: of each verdict.
        waiting_s: for a replica, of each.
        seconds: simulated.
        busy_s: busy time of all replicas.
    """

    verdicts: int = 0
    referred: int = 0
    refused: int = 0
    expired: int = 0
    retried: int = 0
    failures: int = 0
    latency_s: list[float] = field(default_factory=list)
    waiting_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    busy_s: float = 0.0

    @property
    def ended(self) -> int:
        """Registrations with any result."""
        return self.verdicts + self.referred + self.refused + self.expired

    @property
    def per_s(self) -> float:
        """Verdicts per second."""
        return self.verdicts / self.seconds if self.seconds else 0.0


def simulate(costs: Costs, configuration: ClusterConfig, *, registrations: int, seed: int = 0) -> SimulationResult:
    """Sends registrations through the cluster until each has ended."""
    return _Cluster(costs, configuration, np.random.default_rng(seed)).run(registrations)


class _Cluster:
    def __init__(self, costs: Costs, configuration: ClusterConfig, rng: np.random.Generator) -> None:
        self._configuration, self._rng = configuration, rng
        self._service_s = np.asarray(costs.service_ms) / 1000
        self._driver_s = np.asarray(costs.driver_ms) / 1000
        # A single replica has the caches and the memory of its machine for itself.
        self._slower = costs.contention if configuration.replicas > 1 else 1.0
        self._events = simpy.Environment()
        self._servers = simpy.Resource(self._events, configuration.servers)
        self._idle = simpy.Store(self._events)
        self._generation = [0] * configuration.nodes  # counts its deaths
        self._working: list[dict[int, simpy.Process]] = [{} for _ in range(configuration.nodes)]
        self._waiting = 0
        self.result = SimulationResult()

    def run(self, registrations: int) -> SimulationResult:
        for node in range(self._configuration.nodes):
            for replica in range(self._configuration.replicas):
                self._idle.put((node, replica, 0))
            if self._configuration.failures_per_hour:
                self._events.process(self._node_failures(node))
        done = self._events.process(self._arrivals(registrations))
        self._events.run(until=done)
        self.result.seconds = self._events.now
        return self.result

    def _arrivals(self, registrations: int) -> Events:
        numbers = iter(range(registrations))
        if self._configuration.clients:
            yield self._events.all_of(
                [self._events.process(self._client(numbers)) for _ in range(self._configuration.clients)]
            )
            return
        begun = []
        for _ in numbers:
            yield self._events.timeout(self._rng.exponential(1 / self._configuration.per_s))
            begun.append(self._events.process(self._registration()))
        yield self._events.all_of(begun)

    def _client(self, numbers: Iterator[int]) -> Events:
        for _ in numbers:
            yield self._events.process(self._registration())

    def _registration(self) -> Events:
        came, result = self._events.now, self.result
        if self._waiting >= self._configuration.queue:
            result.refused += 1
            return
        with self._servers.request() as server:
            yield server
            yield self._events.timeout(self._rng.choice(self._driver_s))
        for attempt in range(_TRIES):
            result.retried += attempt
            asked = self._events.now
            self._waiting += 1
            node, replica, generation = yield self._events.process(self._idle_replica())
            self._waiting -= 1
            result.waiting_s.append(self._events.now - asked)
            if self._events.now - came > _LIFETIME_S:
                self._idle.put((node, replica, generation))
                result.expired += 1
                return
            if (yield self._events.process(self._examine(node, replica, generation))):
                result.verdicts += 1
                result.latency_s.append(self._events.now - came)
                return
        result.referred += 1

    def _idle_replica(self) -> Generator[simpy.Event, Any, tuple[int, int, int]]:
        """Returns an idle replica; replicas of a node that failed since then are skipped."""
        while True:
            node, replica, generation = yield self._idle.get()
            if generation == self._generation[node]:
                return node, replica, generation

    def _examine(self, node: int, replica: int, generation: int) -> Generator[simpy.Event, Any, bool]:
        takes = self._rng.choice(self._service_s) * self._slower
        if self._rng.random() < self._configuration.straggler_share:
            takes *= self._configuration.straggler_factor
        began = self._events.now
        process = self._events.active_process
        assert process is not None  # noqa: S101 - this runs within one
        self._working[node][replica] = process
        try:
            yield self._events.timeout(takes)
        except simpy.Interrupt:
            return False
        finally:
            self._working[node].pop(replica, None)
            self.result.busy_s += self._events.now - began
        self._idle.put((node, replica, generation))
        return True

    def _node_failures(self, node: int) -> Events:
        while True:
            yield self._events.timeout(self._rng.exponential(3600 / self._configuration.failures_per_hour))
            self.result.failures += 1
            self._generation[node] += 1
            for process in list(self._working[node].values()):
                process.interrupt()
            yield self._events.timeout(self._configuration.repair_s)
            for replica in range(self._configuration.replicas):
                self._idle.put((node, replica, self._generation[node]))


def prediction_error(
    costs: Costs, measured_per_s: Sequence[float], registrations: int, *, seed: int = 0
) -> list[float]:
    """Returns the errors of the simulation with 1, 2, … workers, as shares of the measured throughput.

    Fitted: the times of a registration with one worker and the contention. Predicted: throughput, with its last
    registrations on part of the workers, and what the server's own work adds.
    """
    errors = []
    for workers, measured in enumerate(measured_per_s, start=1):
        configuration = ClusterConfig(nodes=1, replicas=workers, clients=workers)
        predicted = simulate(costs, configuration, registrations=registrations, seed=seed).per_s
        errors.append(predicted / measured - 1)
    return errors
