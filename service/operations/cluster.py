"""Opens the service's verifier on a Ray cluster. Ray is imported only when it is chosen."""

from idproof.pipeline import Limits, Verifier
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.errors import ClusterUnavailable
from idproof.pipeline.executors.replica import ReplicaConfig
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.opening import make_rules, open_document
from idproof.service.errors import SettingsInvalid
from idproof.service.operations.hardware import wanted_provider
from idproof.service.operations.policy import build_policy
from idproof.service.operations.settings import Settings


def open_cluster_verifier(settings: Settings, records: RecordsAuthority | None) -> Verifier:
    """Returns a verifier that examines on the cluster; deploys replicas where none are, and keeps existing ones.

    Raises:
        SettingsInvalid: Ray is not installed.
        ClusterUnavailable: there is no cluster, or the replicas do not start.
    """
    try:
        from idproof.pipeline.executors import ray_cluster
    except ImportError:
        raise SettingsInvalid("The executor ray needs idproof with the extra ray.") from None
    config, most = replica_config(settings), settings.max_replicas or settings.replicas
    # One core more than the replicas take: during an upgrade the new replica and the old one work at the same time.
    ray_cluster.start(settings.ray_address, cpus=(most + 1) * config.threads)
    try:
        executor = ray_cluster.RayExecutor.connect()
    except ClusterUnavailable:
        executor = ray_cluster.deploy(
            config, ray_cluster.ReplicaPool(settings.replicas, most, cpus=float(config.threads))
        )
    kind, deployed = open_document(config.document), executor.deployed
    if (deployed.profile, deployed.document, deployed.policy) != (config.profile, kind.name, config.policy.version):
        raise ClusterUnavailable(
            f"The replicas there examine by {deployed.profile}, {deployed.document} and {deployed.policy}; "
            f"this service goes by {config.profile}, {kind.name} and {config.policy.version}."
        )
    examiner = CardExaminer.open(kind)
    return Verifier(make_rules(kind, examiner, config.policy, config.limits, config.profile, records), executor)


def replica_config(settings: Settings) -> ReplicaConfig:
    """Returns the configuration of a replica."""
    return ReplicaConfig(
        profile=settings.profile,
        document=settings.document,
        policy=build_policy(settings),
        limits=Limits(),
        threads=settings.threads,
        branches=settings.branches,
        provider=wanted_provider(settings),
        production=settings.production,
        inspectable=settings.inspectable,
    )


def with_cluster_concurrency(settings: Settings) -> Settings:
    """Raises the concurrency, on a cluster, to the number of registrations that its replicas can work on."""
    if settings.executor != "ray":
        return settings
    wanted = max(settings.concurrency, settings.max_replicas or settings.replicas)
    return settings.model_copy(update={"concurrency": wanted})
