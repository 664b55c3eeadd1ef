"""`idproof bench scale`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, OptionalSets, Out, Profile, Seed
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.scale.measure import measure_scaling
from idproof.benchmarks.scale.node_failures import measure_node_failures

app = typer.Typer()


@app.command()
def scale(
    sets: OptionalSets = None,
    registrations: Annotated[int, typer.Option(min=2, help="Number that each configuration verifies.")] = 40,
    kill: Annotated[
        int, typer.Option(min=0, help="Instead: kill this many nodes of a cluster under the service, and search it.")
    ] = 0,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the gain of a second worker and the cost of a Ray cluster; needs two idle cores."""
    if kill:
        with ProgressReport("registrations") as progress:
            result = measure_node_failures(
                registrations=registrations, kill=kill, profile=profile, seed=seed, progress=progress
            )
        show_run(result, json_, out)
        return
    if sets is None:
        raise typer.BadParameter("give --sets, or --kill")
    with ProgressReport("configurations") as progress:
        result = measure_scaling(sets, registrations=registrations, profile=profile, seed=seed, progress=progress)
    show_run(result, json_, out)
