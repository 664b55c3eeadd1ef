"""`idproof bench system`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    Out,
    Profile,
    Resume,
    Seed,
    Sets,
    Threads,
    Workers,
)
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.system.measure import measure_system
from idproof.datasets.sets import read_sets
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def system(
    sets: Sets,
    others: Annotated[int, typer.Option(min=0, help="Zero-effort impostors per bona fide card.")] = 1,
    lookalikes: Annotated[int, typer.Option(min=0, help="Look-alikes of the holder per bona fide card.")] = 1,
    resume: Resume = None,
    profile: Profile = "open",
    seed: Seed = 0,
    threads: Threads = 1,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the whole verification: false reject and false accept rates over a folder of registrations."""
    registrations = read_sets(sets)
    with ProgressReport("attempts") as progress:
        result = measure_system(
            registrations,
            others=others,
            lookalikes=lookalikes,
            resume=resume,
            profile=profile,
            threads=threads,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            progress=progress,
        )
    show_run(result, json_, out)
