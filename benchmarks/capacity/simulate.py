"""A discrete-event simulation of a cluster: what queues, stragglers and dying nodes do to registrations.

Events are simpy's. What is measured: times in a replica and in the server (`Costs`). What is assumed is in `World`.
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
class World:
    """What is simulated.

    Attributes:
        nodes: machines with replicas.
        replicas: of each, one core each.
        servers: HTTP servers, each of which seals and sends one registration at a time.
        clients: for a closed loop, how many send their next registration when they have a verdict; 0 for arrivals.
        per_s: arrivals a second (Poisson), when there are no clients.
        straggler_share: of the registrations, that take longer.
        straggler_factor: how many times longer.
        failures_per_hour: of one node.
        repair_s: until a node that died is replaced.
        queue: registrations that may wait for a replica; the next is told to come again.
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
class Outcome:
    """What came of it.

    Attributes:
        verdicts: given by a replica.
        referred: to a person, because two replicas died over them.
        refused: told to come again, before anything was examined.
        expired: not examined within their lifetime; the applicant is asked again.
        retried: examined a second time.
        failures: of nodes.
        latency_s: of each verdict.
        waiting_s: for a replica, of each.
        seconds: simulated.
        busy_s: worked by all replicas.
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
        """Registrations of which somebody was told something."""
        return self.verdicts + self.referred + self.refused + self.expired

    @property
    def per_s(self) -> float:
        """Verdicts a second."""
        return self.verdicts / self.seconds if self.seconds else 0.0


def simulate(costs: Costs, world: World, *, registrations: int, seed: int = 0) -> Outcome:
    """Send so many registrations through the world, until each has ended."""
    return _Cluster(costs, world, np.random.default_rng(seed)).run(registrations)


class _Cluster:
    def __init__(self, costs: Costs, world: World, rng: np.random.Generator) -> None:
        self._world, self._rng = world, rng
        self._service_s = np.asarray(costs.service_ms) / 1000
        self._driver_s = np.asarray(costs.driver_ms) / 1000
        # A single replica has the caches and the memory of its machine for itself.
        self._slower = costs.contention if world.replicas > 1 else 1.0
        self._events = simpy.Environment()
        self._servers = simpy.Resource(self._events, world.servers)
        self._idle = simpy.Store(self._events)
        self._generation = [0] * world.nodes  # counts its deaths
        self._working: list[dict[int, simpy.Process]] = [{} for _ in range(world.nodes)]
        self._waiting = 0
        self.outcome = Outcome()

    def run(self, registrations: int) -> Outcome:
        for node in range(self._world.nodes):
            for replica in range(self._world.replicas):
                self._idle.put((node, replica, 0))
            if self._world.failures_per_hour:
                self._events.process(self._dying(node))
        done = self._events.process(self._arrivals(registrations))
        self._events.run(until=done)
        self.outcome.seconds = self._events.now
        return self.outcome

    def _arrivals(self, registrations: int) -> Events:
        numbers = iter(range(registrations))
        if self._world.clients:
            yield self._events.all_of([self._events.process(self._client(numbers)) for _ in range(self._world.clients)])
            return
        begun = []
        for _ in numbers:
            yield self._events.timeout(self._rng.exponential(1 / self._world.per_s))
            begun.append(self._events.process(self._registration()))
        yield self._events.all_of(begun)

    def _client(self, numbers: Iterator[int]) -> Events:
        for _ in numbers:
            yield self._events.process(self._registration())

    def _registration(self) -> Events:
        came, outcome = self._events.now, self.outcome
        if self._waiting >= self._world.queue:
            outcome.refused += 1
            return
        with self._servers.request() as server:
            yield server
            yield self._events.timeout(self._rng.choice(self._driver_s))
        for attempt in range(_TRIES):
            outcome.retried += attempt
            asked = self._events.now
            self._waiting += 1
            node, replica, generation = yield self._events.process(self._a_living_replica())
            self._waiting -= 1
            outcome.waiting_s.append(self._events.now - asked)
            if self._events.now - came > _LIFETIME_S:
                self._idle.put((node, replica, generation))
                outcome.expired += 1
                return
            if (yield self._events.process(self._examined(node, replica, generation))):
                outcome.verdicts += 1
                outcome.latency_s.append(self._events.now - came)
                return
        outcome.referred += 1

    def _a_living_replica(self) -> Generator[simpy.Event, Any, tuple[int, int, int]]:
        """One that is idle; those of a node that died since then are no more."""
        while True:
            node, replica, generation = yield self._idle.get()
            if generation == self._generation[node]:
                return node, replica, generation

    def _examined(self, node: int, replica: int, generation: int) -> Generator[simpy.Event, Any, bool]:
        takes = self._rng.choice(self._service_s) * self._slower
        if self._rng.random() < self._world.straggler_share:
            takes *= self._world.straggler_factor
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
            self.outcome.busy_s += self._events.now - began
        self._idle.put((node, replica, generation))
        return True

    def _dying(self, node: int) -> Events:
        while True:
            yield self._events.timeout(self._rng.exponential(3600 / self._world.failures_per_hour))
            self.outcome.failures += 1
            self._generation[node] += 1
            for process in list(self._working[node].values()):
                process.interrupt()
            yield self._events.timeout(self._world.repair_s)
            for replica in range(self._world.replicas):
                self._idle.put((node, replica, self._generation[node]))


def prediction_error(
    costs: Costs, measured_per_s: Sequence[float], registrations: int, *, seed: int = 0
) -> list[float]:
    """How far the simulation is from what was measured with 1, 2, … workers, as shares of the measured throughput.

    Fitted: the times of a registration with one worker and the contention. Predicted: throughput, with its last
    registrations on part of the workers, and what the server's own work adds.
    """
    errors = []
    for workers, measured in enumerate(measured_per_s, start=1):
        world = World(nodes=1, replicas=workers, clients=workers)
        predicted = simulate(costs, world, registrations=registrations, seed=seed).per_s
        errors.append(predicted / measured - 1)
    return errors
