"""`idproof cluster …`: the replicas that examine registrations on a Ray cluster."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Replicas on a Ray cluster: deploy, upgrade, status.")

Address = Annotated[str, typer.Option(help="Address of the cluster, such as ray-head:6379.")]


@app.command()
def deploy(
    address: Address,
    profile: Annotated[str | None, typer.Option(help="Profile of networks.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Your own manifest of weights, on every node.")] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Minimum number of replicas.")] = 1,
    max_replicas: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of replicas; the queue's length decides.")
    ] = None,
    gpus: Annotated[float, typer.Option(min=0, help="Fraction of a GPU per replica.")] = 0.0,
    at_once: Annotated[int, typer.Option(min=1, help="Registrations that a replica examines at once.")] = 1,
    provider: Annotated[str | None, typer.Option(help="onnxruntime execution provider of the networks.")] = None,
) -> None:
    """Start the replicas, or replace them one by one while they serve. Weights are upgraded this way.

    Other settings in the environment (`IDPROOF_…`) apply to the replicas too.
    """
    from dataclasses import replace

    from idproof.pipeline.executors import ray_cluster
    from idproof.service.operations.cluster import replica_config
    from idproof.service.operations.settings import Settings

    chosen: dict[str, Any] = {} if profile is None else {"profile": profile}
    spec = replace(replica_config(Settings.load(**chosen)), at_once=at_once, manifest=manifest)
    spec = spec if provider is None else replace(spec, provider=provider)
    ray_cluster.start(address)
    pool = ray_cluster.ReplicaPool(replicas, max(replicas, max_replicas or 0), cpus=float(spec.threads), gpus=gpus)
    _print_weights(ray_cluster.deploy(spec, pool).weights)


@app.command()
def status(address: Address) -> None:
    """Show the weights that a replica works with."""
    from idproof.pipeline.executors import ray_cluster

    ray_cluster.start(address)
    _print_weights(ray_cluster.RayExecutor.connect().weights)


def _print_weights(weights: dict[str, str]) -> None:
    table = Table("weight", "SHA-256")
    for name, digest in weights.items():
        table.add_row(name, digest)
    Console().print(table)
