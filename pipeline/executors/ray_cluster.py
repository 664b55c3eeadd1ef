"""The same flow on a Ray cluster; the only importer of Ray.

Replicas of a Ray Serve deployment examine the pictures; whoever has the vault session stays the owner of the verdict.
Pictures travel through Ray's object store sealed under the session's key (`sealed`), and the key travels beside them in
the request, so whatever a node keeps of the pictures, in shared memory or in a file, is noise once the session ended.
Nothing is examined after that: a request carries what is left of the session's lifetime, is cancelled when the session
ends, and is tried a second time only while the vault still holds the pictures.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from ray import exceptions as lost
from ray import serve
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from idproof.models import TELEMETRY_OFF
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import ClusterBusy, ClusterUnavailable, SessionExpired, rebuild_bad_input
from idproof.pipeline.executors.replica import Description, Errand, Examination, Reply, Spec
from idproof.pipeline.face import registered_portrait
from idproof.pipeline.findings import Findings, unpacked
from idproof.pipeline.flow import REGISTERED, TEMPLATE, TEMPLATES
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.types import CheckResult, Role
from idproof.pipeline.vault import VaultSession, hardening

APPLICATION, DEPLOYMENT = "idproof", "examination"
INTERRUPTED = CheckResult.not_assessed("examination", "examination_interrupted")
"""In the place of every other check when the replicas that examined a registration died, twice."""

_LOST = (
    lost.RayActorError,
    lost.NodeDiedError,
    lost.ObjectLostError,
    lost.OutOfMemoryError,
    lost.WorkerCrashedError,
    ReplicaUnavailableError,
)
_ENDED = (lost.GetTimeoutError, lost.TaskCancelledError, TimeoutError)
_TRIES = 2
_MIB = 1024 * 1024
_STORE_MIB = 256  # sealed captures of the registrations under way; see docs/cluster.md
_HEALTH_S = 5.0
_SELDOM = {
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "5000",
    "REPORTER_UPDATE_INTERVAL_MS": "30000",
    "RAY_enable_metrics_collection": "0",
}
"""How often Ray looks after a cluster of one machine, whose own metrics nobody reads: left alone it took a ninth of a
core from the examinations."""
_KNOCK_S = 10.0
_SURGE_PERCENT = 100
_TASK_TRIES, _AHEAD = 3, 2
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"} | TELEMETRY_OFF

Task = TypeVar("Task")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Pool:
    """How many replicas, and what each is given.

    Attributes:
        replicas: at least so many.
        max_replicas: at most so many, by the length of the queue.
        cpus: processor cores of one; as many as its networks have threads.
        gpus: part of one GPU that one replica takes; 0 for none.
        waiting: registrations of one HTTP server that may wait for a replica.
    """

    replicas: int = 1
    max_replicas: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    waiting: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.replicas <= self.max_replicas or self.cpus <= 0 or self.gpus < 0 or self.waiting < 1:
            raise ValueError("a pool has at least one replica, and no fewer at most than at least")


def start(address: str | None = None, *, cpus: int | None = None) -> None:
    """Connect to a cluster, or begin one on this machine that neither spills to files nor shows a dashboard.

    Raises:
        ClusterUnavailable: there is none at that address.
    """
    if ray.is_initialized():
        return
    chosen: dict[str, Any] = {"address": address}
    if address is not None:
        _knock(address)
    else:
        chosen = {"address": "local", "num_cpus": cpus, "include_dashboard": False}
        # Ray puts sockets below the temporary folder, and the system bounds the length of their names.
        folder = os.environ.get("RAY_TMPDIR", "/tmp")  # noqa: S108 - Ray makes a folder of its own there
        chosen |= {"object_store_memory": _STORE_MIB * _MIB, "_temp_dir": f"{folder}/ray"}
        # Nor does it leave the processor to everybody else, as Ray's workers otherwise do.
        chosen["_system_config"] = {"automatic_object_spilling_enabled": False, "worker_niceness": 0}
        for name, value in _SELDOM.items():
            os.environ.setdefault(name, value)
    ours = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(namespace=APPLICATION, log_to_driver=False, logging_level=logging.ERROR, **chosen)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterUnavailable(f"No Ray cluster can be reached ({type(error).__name__}).") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ours)  # Ray's own handler would end a server that still has work to finish


def _knock(address: str) -> None:
    """Ask whether anybody is there: Ray itself asks for minutes before it gives up."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(f"No Ray cluster can be reached ({type(error).__name__}).") from None


def stop() -> None:
    """Leave the cluster; one that this process began ends."""
    ray.shutdown()


def application(spec: Spec, pool: Pool) -> serve.Application:
    """The deployment, for `deploy` and for a cluster's own operator (KubeRay)."""
    sizes: dict[str, Any] = {"num_replicas": pool.replicas}
    if pool.max_replicas > pool.replicas:
        bounds = {"min_replicas": pool.replicas, "max_replicas": pool.max_replicas}
        sizes = {"autoscaling_config": bounds | {"target_ongoing_requests": spec.at_once}}
    environment = hardening.allocator() | _ENVIRONMENT | {"OMP_NUM_THREADS": str(spec.threads)}
    deployed = serve.deployment(
        name=DEPLOYMENT,
        max_ongoing_requests=spec.at_once,
        max_queued_requests=pool.waiting,
        health_check_period_s=_HEALTH_S,
        health_check_timeout_s=spec.limits.lifetime_s,
        graceful_shutdown_timeout_s=spec.limits.lifetime_s,
        max_surge_percent=_SURGE_PERCENT,
        ray_actor_options={
            "num_cpus": pool.cpus,
            "num_gpus": pool.gpus,
            "runtime_env": {"env_vars": environment},
        },
        logging_config={"enable_access_log": False, "log_level": "ERROR"},
        **sizes,
    )(Examination)
    return deployed.bind(spec)


def build(arguments: dict[str, Any]) -> serve.Application:
    """The application from a Serve configuration file, whose `args` name a profile and the pool's sizes.

    Example:
        `import_path: idproof.pipeline.executors.ray_cluster:build`,
        `args: {profile: open, replicas: 2, production: true}`.
    """
    sizes = {name: arguments[name] for name in ("replicas", "max_replicas", "cpus", "gpus") if name in arguments}
    sizes.setdefault("max_replicas", sizes.get("replicas", 1))
    rest = {name: value for name, value in arguments.items() if name not in sizes}
    return application(Spec(**rest), Pool(**sizes))


def deploy(spec: Spec, pool: Pool) -> "OnRay":
    """Start the replicas, or replace those of another specification one by one while they serve.

    Raises:
        ClusterUnavailable: they do not start, for want of weights, provider, guards or room.
    """
    serve.start(proxy_location="Disabled")  # nobody reaches the replicas over HTTP
    try:
        serve.run(application(spec, pool), name=APPLICATION, route_prefix=None)
    except RuntimeError:
        raise ClusterUnavailable("The replicas did not start; their log on the cluster says why.") from None
    return OnRay.connect()


def spread(call: Callable[..., Found], tasks: Sequence[Task], *shared: Any) -> Iterator[Found]:
    """`call(task, *shared)` in the order of the tasks, each with one core of the cluster that `start` connected to.

    For measurements on specimens and published pictures: tasks and results travel as they are, and a task whose node
    died is done again. Only so many are handed over as the cluster has cores, twice; so a stop loses little.

    Args:
        call: can be pickled; its module is on every node.
        tasks: can be pickled.
        shared: put into the object store once.
    """
    task = ray.remote(num_cpus=1, max_retries=_TASK_TRIES, runtime_env={"env_vars": _ENVIRONMENT})(_called)
    resources: Callable[[], dict[str, float]] = ray.cluster_resources
    bound = _AHEAD * max(1, int(resources().get("CPU", 1)))
    kept = [ray.put(value) for value in shared]
    waiting: deque[ray.ObjectRef[Any]] = deque()
    for entry in tasks:
        waiting.append(task.remote(call, entry, *kept))
        if len(waiting) >= bound:
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())


def _called(call: Callable[..., Any], entry: Any, *shared: Any) -> Any:
    return call(entry, *shared)


@dataclass
class OnRay:
    """Examines on the cluster, see `flow.Executor`. Safe to use from several threads."""

    handle: DeploymentHandle[Any]
    deployed: Description
    weights: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = dict(self.deployed.weights)

    @classmethod
    def connect(cls) -> Self:
        """To what is deployed; raises `ClusterUnavailable` when nothing is, or it does not answer."""
        try:
            handle = serve.get_app_handle(APPLICATION)
            deployed = handle.describe.remote().result(timeout_s=Limits().lifetime_s)
        except (serve.exceptions.RayServeException, lost.RayError, TimeoutError) as error:
            raise ClusterUnavailable(f"No replica examines registrations there ({type(error).__name__}).") from None
        return cls(handle, deployed)

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Everything that the captures tell; raises `BadInput`, or `ClusterBusy`."""
        names = [*Role, *(answer.names if answer is not None else ())]
        start = time.perf_counter()
        reply = self._ask(session, names, answer)
        if reply is None or reply.findings is None or reply.templates is None:
            return Findings((INTERRUPTED,), {}, {}, self.weights)
        with _opened(session, reply.findings, "findings") as data:
            findings = unpacked(data.tobytes())
        session.put(TEMPLATE, TEMPLATES, session.sealer().open(reply.templates, f"{TEMPLATE}/{TEMPLATES}"))
        self.weights = dict(findings.weights)
        away = round((time.perf_counter() - start) * 1000 - reply.busy_ms, 2)
        return Findings(findings.checks, findings.fields, {**findings.timings_ms, "cluster": away}, findings.weights)

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """The department's portrait against the templates of `examine`; raises `BadInput`."""
        reply = self._ask(session, [REGISTERED], None)
        return tuple(registered_portrait.unavailable()) if reply is None or reply.checks is None else reply.checks

    def close(self) -> None:
        """Leave the cluster: replicas that others share go on, a cluster that this process began ends."""
        stop()

    def _ask(self, session: VaultSession, names: list[str], answer: LivenessResponse | None) -> Reply | None:
        """A replica's reply, or None when two of them died over it."""
        for _ in range(_TRIES):
            try:
                return self._once(session, names, answer)
            except _LOST:
                session.ensure_open()
            except _ENDED:
                raise SessionExpired("No replica came to an end in time; the pictures are deleted.") from None
        return None

    def _once(self, session: VaultSession, names: list[str], answer: LivenessResponse | None) -> Reply:
        sealer = session.sealer()
        sealed = ray.put(_sealed(session, names))
        errand = Errand(session.remaining_s, sealer.lend(), answer)
        try:
            response = self.handle.examine.remote(errand, sealed)
            with session.at_end(response.cancel):
                reply: Reply = response.result(timeout_s=session.remaining_s)
        except (BackPressureError, DeploymentUnavailableError):
            raise ClusterBusy("All replicas have their hands full; please try again shortly.") from None
        finally:
            errand.wipe()
        if reply.refused is not None:
            raise rebuild_bad_input(*reply.refused)
        if reply.crashed is not None:
            raise RuntimeError(f"a replica came upon {reply.crashed}")
        session.include(reply.receipt)
        return reply


def _sealed(session: VaultSession, names: list[str]) -> dict[str, NDArray[np.uint8]]:
    """The uploads of these names, and for a department's portrait the templates to compare it with."""
    sealer, sealed = session.sealer(), {}
    for name in names:
        with session.upload(name) as data:
            sealed[f"upload/{name}"] = sealer.seal(np.frombuffer(data, dtype=np.uint8), f"upload/{name}")
    if REGISTERED in names:
        with session.borrow(TEMPLATE, TEMPLATES) as rows:
            sealed[f"{TEMPLATE}/{TEMPLATES}"] = sealer.seal(rows, f"{TEMPLATE}/{TEMPLATES}")
    return {name: np.frombuffer(data, dtype=np.uint8) for name, data in sealed.items()}


@contextmanager
def _opened(session: VaultSession, sealed: bytes, about: str) -> Iterator[NDArray[np.uint8]]:
    data = session.sealer().open(sealed, about)
    try:
        yield data
    finally:
        data.fill(0)
