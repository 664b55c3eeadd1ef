"""Nodes of a cluster are killed under the real service: nothing may be lost, doubled, or left of the pictures."""

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

from idproof.benchmarks.deletion.canaries import Mint, Needles, merge
from idproof.benchmarks.deletion.search import marked, processes
from idproof.benchmarks.errors import BenchFailed
from idproof.benchmarks.harness.output import RENDERED, Run, plain
from idproof.benchmarks.harness.server import Search, Server, serving
from idproof.benchmarks.load.run import Core, Load, listening, settle
from idproof.pipeline.vault import hardening

_NODES = 2
_CANARIES = 6
_SETTLED_S = 5.0
_IN_FLIGHT_S = 2.0
_RAY_FOLDER = "/tmp/ray"  # noqa: S108 - Ray's own


@dataclass
class Cluster:
    """A cluster in processes that all carry a marker.

    Attributes:
        address: to connect to.
        marker: in the environment of each of its processes.
    """

    address: str
    marker: str
    process: "subprocess.Popen[str]"
    killed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace_node(self) -> None:
        """Kill the oldest node and add another."""
        with self._lock:
            assert self.process.stdin is not None  # noqa: S101 - it was opened with both
            self.process.stdin.write("replace\n")
            self.process.stdin.flush()
            _line(self.process)
            self.killed += 1


def run(
    *,
    registrations: int = 200,
    kill: int = 6,
    profile: str = "open",
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Send registrations by two clients to `idproof serve --executor ray`, and kill a node every so many verdicts.

    The registrations are canaries (`deletion_canaries`). Afterwards the memory of the server and of every process of
    the cluster, what they hold open, shared memory and their files are searched; once more while a registration is
    under way and everything is stopped, as a control that the search reaches where pictures are.

    Args:
        registrations: how many.
        kill: nodes, one after the other.
        profile: of the networks.
        seed: of the canaries.
        progress: called with verdicts given and registrations in total.

    Raises:
        BenchFailed: the cluster or the server did not start, or the search may not look.
    """
    mint = Mint(profile, seed)
    canaries = [mint.canary(number) for number in range(_CANARIES)]
    needles = merge([mint.needles(canary) for canary in canaries])
    core = Core()
    with _cluster() as cluster, listening(core) as core_url, Search() as search, _server(cluster, core_url) as server:
        search.load(needles, ())
        needles = _unseen(needles, _found(search, server, cluster))
        search.load(needles, ())
        load = _loaded(cluster, server, [dict(canary.parts) for canary in canaries], registrations, kill, progress)
        settle(core, load.given)
        time.sleep(_SETTLED_S)
        left = _found(search, server, cluster)
        told = {verdict: len(events) for verdict, events in core.told.items()}
        control = _found_in_flight(search, server, cluster, dict(canaries[0].parts))
    lost = registrations - len(load.given) + sum(verdict not in told for verdict in load.given)
    doubled = sum(events > 1 for events in told.values()) + len(told.keys() - set(load.given))
    return Run(
        bench="scale",
        profile=profile,
        weights=mint.weights,
        seed=seed,
        counts=load.counts() | {"nodes_killed": cluster.killed, "core_events": sum(told.values())},
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
) -> Load:
    marks = {registrations * number // (kill + 1) for number in range(1, kill + 1)}
    killers: list[threading.Thread] = []

    def advance(done: int, total: int) -> None:
        progress(done, total)
        if done in marks:
            killers.append(threading.Thread(target=cluster.replace_node))
            killers[-1].start()

    load = Load(server.url.removesuffix("/v1/verifications"), server.process.pid, captures, advance, registrations)
    load.run(_NODES)
    for killer in killers:
        killer.join()
    return load


def _found(search: Search, server: Server, cluster: Cluster) -> set[int]:
    looked = search.look(server, marker=cluster.marker, folders=[_RAY_FOLDER])
    return {number for numbers in looked["found"].values() for number in numbers}


def _found_in_flight(search: Search, server: Server, cluster: Cluster, parts: dict[str, bytes]) -> set[int]:
    load = Load(server.url.removesuffix("/v1/verifications"), server.process.pid, [parts], lambda *_: None, 1)
    sending = threading.Thread(target=load.run, args=[1])
    sending.start()
    time.sleep(_IN_FLIGHT_S)
    everybody = {*processes(server.process.pid), *marked(cluster.marker)} - {cluster.process.pid}
    _signal(everybody, signal.SIGSTOP)  # as it is: a search takes longer than a registration
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
    """What is there before the first registration is no trace of one."""
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
        more = ("--executor", "ray", "--address", cluster.address, "--replicas", str(_NODES))
        settings = {"IDPROOF_CORE_URL": core_url, "IDPROOF_RATE_PER_MINUTE": "1000000"}
        with serving(Path(folder) / "server", more=more, settings=settings) as server:
            yield server


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # noqa: S101 - it was opened
    line = process.stdout.readline().strip()
    if not line:
        raise BenchFailed("The cluster did not start.")
    return line
