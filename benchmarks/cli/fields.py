"""`idproof bench fields`."""

import typer

from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, Profile, Seed, Sets, Workers
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.fields.measure import measure_fields
from idproof.datasets.sets import read_sets
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def fields(
    sets: Sets,
    profile: Profile = "open",
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how well the card is read, and which edits its fields reveal."""
    registrations = read_sets(sets)
    with ProgressReport("registrations") as progress:
        result = measure_fields(
            registrations, profile=profile, runner=TaskRunner(workers, executor, address), seed=seed, progress=progress
        )
    show_run(result, json_, out)
