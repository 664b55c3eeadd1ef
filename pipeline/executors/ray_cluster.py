"""The executor that examines pictures on a Ray cluster, which `ray_connection` connects to or starts.

Replicas of a Ray Serve deployment examine the pictures; the process that has the vault session gives the verdict.
Pictures travel through Ray's object store sealed under the session's key (`vault.sealer`). The key travels in the
request, not in the object store, so whatever a node keeps of the pictures, in shared memory or in a file, is noise once
the session has ended. Nothing is examined after that: a request carries the rest of the session's lifetime, is
cancelled when the session ends, and is tried a second time only while the vault still holds the pictures.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from ray import exceptions as ray_errors
from ray import serve
from ray.serve._private import replica as serve_replica
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from idproof.models import TELEMETRY_OFF
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import ClusterBusy, ClusterUnavailable, SessionExpired, rebuild_bad_input
from idproof.pipeline.executors.ray_connection import APPLICATION, log_through_root, start, stop
from idproof.pipeline.executors.replica import (
    FINDINGS,
    ExaminationReplica,
    ExaminationReply,
    ExaminationRequest,
    ReplicaConfig,
    ReplicaDescription,
    seal_templates,
)
from idproof.pipeline.findings import Findings, from_json
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.types import CheckResult, Role
from idproof.pipeline.vault import VaultSession, hardening
from idproof.pipeline.vault.kinds import REGISTERED_PORTRAIT, TEMPLATE, UPLOAD

__all__ = [
    "APPLICATION",
    "DEPLOYMENT",
    "INTERRUPTED",
    "ClusterReplica",
    "RayExecutor",
    "ReplicaPool",
    "application",
    "build",
    "deploy",
    "run_tasks",
    "start",
    "stop",
]

DEPLOYMENT = "examination"
INTERRUPTED = CheckResult.not_assessed("examination", "examination_interrupted")
"""Takes the place of every other check when two replicas in turn died while they examined a registration."""

_REPLICA_LOST = (
    ray_errors.RayActorError,
    ray_errors.NodeDiedError,
    ray_errors.ObjectLostError,
    ray_errors.OutOfMemoryError,
    ray_errors.WorkerCrashedError,
    ReplicaUnavailableError,
)
_TIMED_OUT = (ray_errors.GetTimeoutError, ray_errors.TaskCancelledError, TimeoutError)
_TRIES = 2
"""Replicas that examine one registration, one after the other, until one does not die."""

_HEALTH_S = 5.0
"""Seconds between health checks of a replica. Chosen by hand; no outside source."""

_SURGE_PERCENT = 100
"""Replicas beyond the number deployed while they are replaced: all new ones may start before the old ones stop."""

_TASK_TRIES = 3
"""Retries of a measurement whose node died. Chosen by hand; no outside source."""

_TASKS_PER_CORE = 2
"""Tasks handed over per core, one of them waiting, so that no core idles and a stop loses little."""

_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"} | TELEMETRY_OFF

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ReplicaPool:
    """The number of replicas, and the resources of each.

    Attributes:
        replicas: the least number.
        max_replicas: the greatest number; the queue's length decides between the two.
        cpus: processor cores per replica; as many as its networks have threads.
        gpus: part of one GPU per replica; 0 for none.
        waiting: registrations of one HTTP server that may wait for a replica.
    """

    replicas: int = 1
    max_replicas: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    waiting: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.replicas <= self.max_replicas or self.cpus <= 0 or self.gpus < 0 or self.waiting < 1:
            raise ValueError("a pool has one replica or more, and max_replicas is not below replicas")


class ClusterReplica(ExaminationReplica):
    """A replica whose server for other parts of Ray Serve listens on its node's own address.

    Ray Serve would have it listen on every address of the machine, and it admits whoever connects.
    """

    def __init__(self, config: ReplicaConfig) -> None:
        module: Any = serve_replica
        tools: Any = ray.util
        add_port, address = module.add_port_to_grpc_server, str(tools.get_node_ip_address())
        host = f"[{address}]" if ":" in address else address
        # Called once, when this has been made.
        module.add_port_to_grpc_server = lambda server, _: add_port(server, f"{host}:0")
        super().__init__(config)


def application(config: ReplicaConfig, pool: ReplicaPool) -> serve.Application:
    """Make the deployment, for `deploy` and for a cluster's own operator (KubeRay)."""
    sizes: dict[str, Any] = {"num_replicas": pool.replicas}
    if pool.max_replicas > pool.replicas:
        bounds = {"min_replicas": pool.replicas, "max_replicas": pool.max_replicas}
        sizes = {"autoscaling_config": bounds | {"target_ongoing_requests": config.at_once}}
    environment = hardening.allocator_environment() | _ENVIRONMENT | {"OMP_NUM_THREADS": str(config.threads)}
    deployed = serve.deployment(
        name=DEPLOYMENT,
        max_ongoing_requests=config.at_once,
        max_queued_requests=pool.waiting,
        health_check_period_s=_HEALTH_S,
        health_check_timeout_s=config.limits.lifetime_s,
        graceful_shutdown_timeout_s=config.limits.lifetime_s,
        max_surge_percent=_SURGE_PERCENT,
        ray_actor_options={
            "num_cpus": pool.cpus,
            "num_gpus": pool.gpus,
            "runtime_env": {"env_vars": environment},
        },
        logging_config={"enable_access_log": False, "log_level": "ERROR"},
        **sizes,
    )(ClusterReplica)
    return deployed.bind(config)


def build(arguments: dict[str, Any]) -> serve.Application:
    """Make the application from a Serve configuration file, whose `args` name a profile and the pool's sizes.

    Example:
        `import_path: idproof.pipeline.executors.ray_cluster:build`,
        `args: {profile: open, replicas: 2, production: true}`.
    """
    sizes = {name: arguments[name] for name in ("replicas", "max_replicas", "cpus", "gpus") if name in arguments}
    sizes.setdefault("max_replicas", sizes.get("replicas", 1))
    rest = {name: value for name, value in arguments.items() if name not in sizes}
    return application(ReplicaConfig(**rest), ReplicaPool(**sizes))


def deploy(config: ReplicaConfig, pool: ReplicaPool) -> "RayExecutor":
    """Start the replicas, or replace those of another configuration one by one while they serve.

    Raises:
        ClusterUnavailable: they do not start, because weights, provider, guards or resources are missing.
    """
    serve.start(proxy_location="Disabled")  # no replica is reachable over HTTP
    log_through_root()
    try:
        serve.run(application(config, pool), name=APPLICATION, route_prefix=None)
    except RuntimeError:
        raise ClusterUnavailable("The replicas did not start; their log on the cluster says why.") from None
    return RayExecutor.connect()


def run_tasks(call: Callable[..., Result], tasks: Sequence[Task], *shared: Any) -> Iterator[Result]:
    """Yield `call(task, *shared)` in the order of the tasks, each on one core of the cluster that `start` connected to.

    For measurements on specimens and published pictures: tasks and results travel unsealed, and a task whose node
    died is done again. At most two tasks per core are handed over at a time, so a stop loses little.

    Args:
        call: can be pickled; its module is on every node.
        tasks: can be pickled.
        shared: put into the object store once.
    """
    task = ray.remote(num_cpus=1, max_retries=_TASK_TRIES, runtime_env={"env_vars": _ENVIRONMENT})(_call_task)
    resources: Callable[[], dict[str, float]] = ray.cluster_resources
    bound = _TASKS_PER_CORE * max(1, int(resources().get("CPU", 1)))
    references = [ray.put(value) for value in shared]
    waiting: deque[ray.ObjectRef[Any]] = deque()
    for entry in tasks:
        waiting.append(task.remote(call, entry, *references))
        if len(waiting) >= bound:
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())


def _call_task(call: Callable[..., Any], entry: Any, *shared: Any) -> Any:
    return call(entry, *shared)


@dataclass
class RayExecutor:
    """Examines on the cluster, see `verify.Executor`. Safe to use from several threads."""

    handle: DeploymentHandle[Any]
    deployed: ReplicaDescription
    weights: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = dict(self.deployed.weights)

    @classmethod
    def connect(cls) -> Self:
        """Connect to the deployment; raises `ClusterUnavailable` when there is none, or it does not answer."""
        try:
            handle = serve.get_app_handle(APPLICATION)
            deployed = handle.describe.remote().result(timeout_s=Limits().lifetime_s)
        except (serve.exceptions.RayServeException, ray_errors.RayError, TimeoutError) as error:
            raise ClusterUnavailable(f"No replica examines registrations there ({type(error).__name__}).") from None
        return cls(handle, deployed)

    @property
    def face_detector(self) -> None:
        """None: the replicas load the networks."""
        return

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Examine every capture; raises `BadInput`, or `ClusterBusy`."""
        names = [*Role, *(answer.names if answer is not None else ())]
        start = time.perf_counter()
        reply = self._ask(session, names, answer)
        if reply is None or reply.findings is None or reply.templates is None:
            return Findings((INTERRUPTED,), {}, {}, self.weights)
        with _opened(session, reply.findings, FINDINGS) as data:
            findings = from_json(data.tobytes())
        for name, sealed in reply.templates.items():
            session.put(TEMPLATE, name, session.sealer().open(sealed, f"{TEMPLATE}/{name}"))
        self.weights = dict(findings.weights)
        away = round((time.perf_counter() - start) * 1000 - reply.busy_ms, 2)
        return replace(findings, timings_ms={**findings.timings_ms, "cluster": away})

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """Compare the department's portrait with the templates of `examine`; raises `BadInput`.

        Returns nothing when two replicas in turn died while they compared.
        """
        reply = self._ask(session, [REGISTERED_PORTRAIT], None)
        return () if reply is None or reply.checks is None else reply.checks

    def examine_person(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compare selfie and frames with the registered portrait alone; raises `BadInput`, or `ClusterBusy`."""
        reply = self._ask(session, [Role.SELFIE, REGISTERED_PORTRAIT, *answer.names], answer)
        if reply is None or reply.findings is None:
            return Findings((INTERRUPTED,), {}, {}, self.weights)
        with _opened(session, reply.findings, FINDINGS) as data:
            return from_json(data.tobytes())

    @property
    def template_network(self) -> str:
        """Empty: templates are computed by replicas, and stay there."""
        return ""

    def examine_enrolled(self, session: VaultSession, answer: LivenessResponse) -> Findings:  # noqa: ARG002
        """Raise `ClusterUnavailable`: no template of an earlier registration travels to a replica."""
        raise ClusterUnavailable("A cluster compares with no template of an earlier registration.")

    def close(self) -> None:
        """Disconnect: replicas that others share keep running, a cluster that this process started ends."""
        stop()

    def _ask(self, session: VaultSession, names: list[str], answer: LivenessResponse | None) -> ExaminationReply | None:
        """Return a replica's reply, or None when two of them died while they examined."""
        for _ in range(_TRIES):
            try:
                return self._ask_once(session, names, answer)
            except _REPLICA_LOST:
                session.ensure_open()
            except _TIMED_OUT:
                raise SessionExpired("No replica came to an end in time; the pictures are deleted.") from None
        return None

    def _ask_once(self, session: VaultSession, names: list[str], answer: LivenessResponse | None) -> ExaminationReply:
        sealer = session.sealer()
        sealed = ray.put(_sealed(session, names))
        request = ExaminationRequest(session.remaining_s, sealer.copy_key(), answer)
        try:
            response = self.handle.examine.remote(request, sealed)
            with session.on_end(response.cancel):
                reply: ExaminationReply = response.result(timeout_s=session.remaining_s)
        except (BackPressureError, DeploymentUnavailableError):
            raise ClusterBusy("Every replica is busy; please try again shortly.") from None
        finally:
            request.wipe()
        if reply.refused is not None:
            raise rebuild_bad_input(*reply.refused)
        if reply.crashed is not None:
            raise RuntimeError(f"a replica raised {reply.crashed}")
        session.include(reply.receipt)
        return reply


def _sealed(session: VaultSession, names: list[str]) -> dict[str, NDArray[np.uint8]]:
    """Seal the uploads of these names, and with a department's portrait the templates to compare it with."""
    sealer, sealed = session.sealer(), {}
    for name in names:
        with session.upload(name) as data:
            sealed[f"{UPLOAD}/{name}"] = sealer.seal(np.frombuffer(data, dtype=np.uint8), f"{UPLOAD}/{name}")
    if REGISTERED_PORTRAIT in names:
        sealed |= {f"{TEMPLATE}/{name}": data for name, data in seal_templates(session, sealer).items()}
    return {name: np.frombuffer(data, dtype=np.uint8) for name, data in sealed.items()}


@contextmanager
def _opened(session: VaultSession, sealed: bytes, name: str) -> Iterator[NDArray[np.uint8]]:
    data = session.sealer().open(sealed, name)
    try:
        yield data
    finally:
        data.fill(0)
