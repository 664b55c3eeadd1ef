"""The service's verifier on a Ray cluster. Ray is imported only where it is chosen."""

from idproof.pipeline import Limits, Verifier
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.errors import ClusterUnavailable
from idproof.pipeline.executors.replica import Spec
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.parts import open_document, rules_for
from idproof.service.errors import SettingsInvalid
from idproof.service.operations.policy import build_policy
from idproof.service.operations.settings import Settings


def open_cluster_verifier(settings: Settings, records: RecordsAuthority | None) -> Verifier:
    """Examines on the cluster; deploys there what is not deployed yet, and leaves what is as it is.

    Raises:
        SettingsInvalid: Ray is not installed.
        ClusterUnavailable: there is no cluster, or the replicas do not start.
    """
    try:
        from idproof.pipeline.executors import ray_cluster
    except ImportError:
        raise SettingsInvalid("The executor ray needs Ray: pip install 'idproof[ray]'.") from None
    spec, most = replica_spec(settings), settings.max_replicas or settings.replicas
    # One core more than the replicas take, for one that replaces another while that one still works.
    ray_cluster.start(settings.ray_address, cpus=(most + 1) * spec.threads)
    try:
        executor = ray_cluster.OnRay.connect()
    except ClusterUnavailable:
        executor = ray_cluster.deploy(spec, ray_cluster.Pool(settings.replicas, most, cpus=float(spec.threads)))
    kind, deployed = open_document(spec.document), executor.deployed
    if (deployed.profile, deployed.document, deployed.policy) != (spec.profile, kind.name, spec.policy.version):
        raise ClusterUnavailable(
            f"The replicas there examine by {deployed.profile}, {deployed.document} and {deployed.policy}; "
            f"this service goes by {spec.profile}, {kind.name} and {spec.policy.version}."
        )
    examiner = CardExaminer.open(kind)
    return Verifier(rules_for(kind, examiner, spec.policy, spec.limits, spec.profile, records), executor)


def replica_spec(settings: Settings) -> Spec:
    """What a replica is opened from."""
    return Spec(
        profile=settings.profile,
        policy=build_policy(settings),
        limits=Limits(),
        threads=settings.threads,
        branches=settings.branches,
        production=settings.production,
        inspectable=settings.inspectable,
    )


def with_cluster_concurrency(settings: Settings) -> Settings:
    """On a cluster as many registrations are under way at once as replicas may work on."""
    if settings.executor != "ray":
        return settings
    wanted = max(settings.concurrency, settings.max_replicas or settings.replicas)
    return settings.model_copy(update={"concurrency": wanted})
