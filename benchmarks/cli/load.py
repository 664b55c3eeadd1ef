"""`idproof bench load`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, OptionalSets, Out, Profile, Seed
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.load.flood_effect import measure_floods
from idproof.benchmarks.load.measure import measure_load
from idproof.benchmarks.load.steps import measure_steps
from idproof.datasets.sets import read_sets
from idproof.pipeline.executors import processors

app = typer.Typer()


@app.command()
def load(
    sets: OptionalSets = None,
    registrations: Annotated[int, typer.Option(min=1, help="How many to send.")] = 60,
    clients: Annotated[
        str, typer.Option(help="Clients at once; or several numbers, as in 1,2,4,8, with threads beside them.")
    ] = "4",
    sandbox: Annotated[bool, typer.Option(help="Leave the networks out: measure everything around them.")] = False,
    floods: Annotated[
        bool, typer.Option("--floods", help="Measure an honest client of the sandbox during floods without a key.")
    ] = False,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the service under load: throughput, answer times, memory, and verdicts lost or doubled at the core."""
    if floods:
        with ProgressReport("floods") as progress:
            show_run(measure_floods(progress=progress), json_, out)
        return
    try:
        numbers = [int(number) for number in clients.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise typer.BadParameter("--clients is a number, or several, as in 1,2,4,8")
    if len(numbers) > 1:
        if sets is None or sandbox:
            raise typer.BadParameter("several numbers of clients need --sets, and no --sandbox")
        with ProgressReport("steps") as progress:
            result = measure_steps(
                sets,
                numbers,
                registrations=registrations,
                processors=processors.available(),
                profile=profile,
                seed=seed,
                progress=progress,
            )
        show_run(result, json_, out)
        return
    captures = [] if sets is None else [entry.parts() for entry in read_sets(sets)]
    with ProgressReport("registrations") as progress:
        result = measure_load(
            captures,
            registrations=registrations,
            clients=numbers[0],
            sandbox=sandbox,
            profile=profile,
            seed=seed,
            progress=progress,
        )
    show_run(result, json_, out)
