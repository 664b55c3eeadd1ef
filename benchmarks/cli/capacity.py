"""How many machines: `capacity`, which `idproof capacity` is too."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from idproof.benchmarks.capacity import run as capacity_bench
from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.model import plan
from idproof.benchmarks.cli.options import AsJson, Measured, Out, Profile
from idproof.benchmarks.cli.show import Bar, show
from idproof.benchmarks.errors import RunUnusable

app = typer.Typer()


@app.command("capacity")
def simulated(
    nodes: Annotated[str, typer.Option(help="Numbers of machines, with commas.")] = "1,10,100,1000",
    replicas: Annotated[int, typer.Option(min=1, help="On each machine.")] = 7,
    load: Annotated[float, typer.Option(min=0.01, max=0.99, help="Arrivals: share of what replicas can do.")] = 0.8,
    failures: Annotated[float, typer.Option(min=0, help="Deaths of one machine an hour.")] = 0.1,
    measured: Measured = None,
    seed: Annotated[int, typer.Option(help="Of arrivals, stragglers and failures.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """What larger clusters would do, simulated from what this machine measured."""
    sizes = [int(size) for size in nodes.split(",")]
    with Bar("clusters") as advance:
        result = capacity_bench.run(
            Costs.read(measured), sizes, replicas=replicas, load=load, failures=failures, seed=seed, progress=advance
        )
    show(result, json_, out)


def capacity(
    registrations_per_hour: Annotated[float, typer.Option(min=1, help="In a mean hour.")],
    profile: Profile = "open",
    peak: Annotated[float, typer.Option(min=1, help="Times as many in the busiest hour.")] = 3.0,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds that 95 of 100 may wait for a replica then.")] = 5.0,
    cores: Annotated[int, typer.Option(min=1, help="Of one machine.")] = 8,
    spare: Annotated[int, typer.Option(min=0, help="Machines that may fail unnoticed.")] = 1,
    price: Annotated[float | None, typer.Option(min=0, help="Of one machine for an hour, in your currency.")] = None,
    measured: Measured = None,
    json_: AsJson = False,
) -> None:
    """Machines for so many registrations an hour: cores, memory, network, cost."""
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
