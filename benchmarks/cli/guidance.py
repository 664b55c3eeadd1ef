"""`idproof bench guidance`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, Profile, Resume, Seed, Sets, Workers
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.guidance.faults import FAULTS
from idproof.benchmarks.guidance.measure import NONE, measure_guidance
from idproof.datasets.sets import read_sets
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def guidance(
    sets: Sets,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this fault; repeatable. Known: {', '.join((NONE, *FAULTS))}; else all in turn."),
    ] = None,
    resume: Resume = None,
    profile: Profile = "open",
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure whether captures that guidance calls good are accepted, and how soon it names what is wrong."""
    with ProgressReport("registrations") as progress:
        result = measure_guidance(
            read_sets(sets),
            faults=fault or (NONE, *FAULTS),
            profile=profile,
            seed=seed,
            runner=TaskRunner(workers, executor, address),
            resume=resume,
            progress=progress,
        )
    show_run(result, json_, out)
