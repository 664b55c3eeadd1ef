"""Kills nodes of a cluster under the real service: nothing may be lost, doubled, or left of the pictures."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from idproof.benchmarks.deletion.canaries import CanaryFactory, Needles, merge
from idproof.benchmarks.deletion.search_client import SearchClient
from idproof.benchmarks.deletion.servers import deletion_server
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.identity_core import IdentityCore
from idproof.benchmarks.harness.output import RENDERED, Run, plain
from idproof.benchmarks.harness.processes import marked_processes, session_processes
from idproof.benchmarks.harness.server import Server
from idproof.benchmarks.load.measure import LoadGenerator
from idproof.pipeline.vault import hardening

_NODES = 2  # each needs a core
_CANARIES = 6
# Chosen by hand; no outside source.
_SETTLE_S = 5.0  # seconds until the cluster has dropped what the last registration used
_IN_FLIGHT_S = 2.0  # seconds after which a registration is in the middle
_RAY_FOLDER = "/tmp/ray"  # noqa: S108 - Ray's own


@dataclass
class Cluster:
    """A cluster whose processes all carry a marker in their environment.

    Attributes:
        address: to connect to.
        marker: in the environment of each process.
        process: starts and kills the nodes (`nodes.py`).
        killed: nodes so far.
    """

    address: str
    marker: str
    process: "subprocess.Popen[str]"
    killed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace_node(self) -> None:
        """Kills the oldest node and adds another."""
        with self._lock:
            assert self.process.stdin is not None  # noqa: S101 - it was opened with both
            self.process.stdin.write("replace\n")
            self.process.stdin.flush()
            _line(self.process)
            self.killed += 1


def measure_node_failures(
    *,
    registrations: int = 200,
    kill: int = 6,
    profile: str = "open",
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Sends registrations from two clients to `idproof serve --executor ray`, and kills nodes at even distances.

    The registrations are canaries (`deletion/canaries.py`). Afterwards the memory of the server and of every process of
    the cluster, their open files, shared memory and their folders are searched. A second search, while a registration
    is under way and all processes are stopped, is the control that the search reaches the pictures.

    Args:
        registrations: how many.
        kill: number of nodes, one after the other.
        profile: of the networks.
        seed: of the canaries.
        progress: called with verdicts and registrations in total.

    Raises:
        BenchmarkFailed: the cluster or the server did not start, or the memory may not be searched.
    """
    factory = CanaryFactory(profile, seed)
    canaries = [factory.canary(number) for number in range(_CANARIES)]
    needles = merge([factory.needles(canary) for canary in canaries])
    core = IdentityCore()
    with (
        _cluster() as cluster,
        core.listening() as core_url,
        SearchClient() as search,
        _server(cluster, core_url) as server,
    ):
        search.load(needles, ())
        needles = _unseen(needles, _found(search, server, cluster))
        search.load(needles, ())
        load = _loaded(cluster, server, [dict(canary.parts) for canary in canaries], registrations, kill, progress)
        core.wait_for(load.verdicts)
        time.sleep(_SETTLE_S)
        left = _found(search, server, cluster)
        events_of = {verdict: len(events) for verdict, events in core.events.items()}
        control = _found_in_flight(search, server, cluster, dict(canaries[0].parts))
    lost = registrations - len(load.verdicts) + sum(verdict not in events_of for verdict in load.verdicts)
    doubled = sum(events > 1 for events in events_of.values()) + len(events_of.keys() - set(load.verdicts))
    return Run(
        bench="scale",
        profile=profile,
        weights=factory.weights,
        seed=seed,
        counts=load.counts() | {"nodes_killed": cluster.killed, "core_events": sum(events_of.values())},
        figures={
            "scale.lost": plain(lost, registrations, "registrations"),
            "scale.doubled": plain(doubled, registrations, "verdicts"),
            "deletion.found": plain(len(left), len(needles), "needles"),
            "deletion.control_found": plain(len(control), len(needles), "needles"),
        },
        extra={"data": RENDERED},
    )


def _loaded(
    cluster: Cluster,
    server: Server,
    captures: list[dict[str, bytes]],
    registrations: int,
    kill: int,
    progress: Callable[[int, int], None],
) -> LoadGenerator:
    marks = {registrations * number // (kill + 1) for number in range(1, kill + 1)}
    killers: list[threading.Thread] = []

    def advance(done: int, total: int) -> None:
        progress(done, total)
        if done in marks:
            killers.append(threading.Thread(target=cluster.replace_node))
            killers[-1].start()

    load = LoadGenerator(server.url, server.process.pid, captures, advance, registrations)
    load.run(_NODES)
    for killer in killers:
        killer.join()
    return load


def _found(search: SearchClient, server: Server, cluster: Cluster) -> set[int]:
    looked = search.search(server, marker=cluster.marker, folders=[_RAY_FOLDER])
    return {number for numbers in looked["found"].values() for number in numbers}


def _found_in_flight(search: SearchClient, server: Server, cluster: Cluster, parts: dict[str, bytes]) -> set[int]:
    load = LoadGenerator(server.url, server.process.pid, [parts], lambda *_: None, 1)
    sending = threading.Thread(target=load.run, args=[1])
    sending.start()
    time.sleep(_IN_FLIGHT_S)
    everybody = {*session_processes(server.process.pid), *marked_processes(cluster.marker)} - {cluster.process.pid}
    _signal(everybody, signal.SIGSTOP)  # a search takes longer than a registration
    try:
        return _found(search, server, cluster)
    finally:
        _signal(everybody, signal.SIGCONT)
        sending.join()


def _signal(everybody: set[int], number: signal.Signals) -> None:
    for process in everybody:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _unseen(needles: Needles, seen: set[int]) -> Needles:
    """Leaves out the needles that are there before the first registration: they are no trace of one."""
    return needles.only([number for number in range(len(needles)) if number not in seen])  # type: ignore[arg-type]


@contextmanager
def _cluster() -> Iterator[Cluster]:
    marker = f"IDPROOF_BENCH_CLUSTER={os.getpid()}-{time.time_ns()}"
    name, _, value = marker.partition("=")
    ours = {name: value, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "idproof.benchmarks.scale.nodes", str(_NODES)],
        env=os.environ | hardening.allocator_environment() | ours,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Cluster(_line(process), marker, process)
    finally:
        process.communicate()


@contextmanager
def _server(cluster: Cluster, core_url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="idproof-scale-") as folder:
        options = ("--executor", "ray", "--address", cluster.address, "--replicas", str(_NODES))
        settings = {"IDPROOF_CORE_URL": core_url, "IDPROOF_RATE_PER_MINUTE": "1000000"}
        with deletion_server(Path(folder) / "server", options=options, settings=settings) as server:
            yield server


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # noqa: S101 - it was opened
    line = process.stdout.readline().strip()
    if not line:
        raise BenchmarkFailed("The cluster did not start.")
    return line
