"""`idproof bench capacity` simulates clusters; `idproof capacity` plans one."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idproof.benchmarks.capacity.clusters import simulate_clusters
from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.model import plan
from idproof.benchmarks.cli.options import AsJson, Measured, Out, Profile
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.errors import RunUnusable

app = typer.Typer()


@app.command("capacity")
def simulated(
    nodes: Annotated[str, typer.Option(help="Numbers of machines, with commas.")] = "1,10,100,1000",
    replicas: Annotated[int, typer.Option(min=1, help="Per machine.")] = 7,
    load: Annotated[float, typer.Option(min=0.01, max=0.99, help="Arrivals, as a share of the capacity.")] = 0.8,
    failures: Annotated[float, typer.Option(min=0, help="Failures of one machine per hour.")] = 0.1,
    measured: Measured = None,
    seed: Annotated[int, typer.Option(help="Of arrivals, stragglers and failures.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Simulate larger clusters from what this machine measured."""
    sizes = [int(size) for size in nodes.split(",")]
    with ProgressReport("clusters") as progress:
        result = simulate_clusters(
            Costs.read(measured), sizes, replicas=replicas, load=load, failures=failures, seed=seed, progress=progress
        )
    show_run(result, json_, out)


def capacity(
    registrations_per_hour: Annotated[float, typer.Option(min=1, help="In an average hour.")],
    profile: Profile = "open",
    peak: Annotated[float, typer.Option(min=1, help="Busiest hour over an average hour.")] = 3.0,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds that 95 of 100 may wait then.")] = 5.0,
    cores: Annotated[int, typer.Option(min=1, help="Per machine.")] = 8,
    spare: Annotated[int, typer.Option(min=0, help="Machines that may fail without an effect.")] = 1,
    price: Annotated[float | None, typer.Option(min=0, help="Of one machine per hour, in your currency.")] = None,
    measured: Measured = None,
    json_: AsJson = False,
) -> None:
    """Plan the machines for this many registrations per hour: cores, memory, network, cost."""
    costs = Costs.read(measured)
    if costs.profile != profile:
        raise RunUnusable(f"The profile {profile} was not measured; give --measured FILE of `idproof bench scale`.")
    planned = asdict(
        plan(
            costs,
            registrations_per_hour,
            peak=peak,
            wait_p95_s=wait,
            cores_per_node=cores,
            spare_nodes=spare,
            price=price,
        )
    )
    if json_:
        typer.echo(json.dumps(planned, indent=2))
        return
    table = Table("needed", "")
    queue = planned.pop("waiting")
    for name, value in {**planned, **queue}.items():
        table.add_row(name, "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip("."))
    Console().print(table)
