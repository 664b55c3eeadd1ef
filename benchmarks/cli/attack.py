"""`idproof bench attack`."""

from typing import Annotated

import typer

from idproof.benchmarks.attack.kinds import ATTACKS
from idproof.benchmarks.attack.measure import measure_attack
from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, Portraits, Profile, Resume, Seed, Workers
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def attack(
    portraits: Portraits = None,
    tries: Annotated[int, typer.Option(min=1, help="Tries of every kind.")] = 100,
    honest: Annotated[int | None, typer.Option(min=1, help="Honest registrations, when not as many as tries.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help=f"Only this kind; repeatable. Known: {', '.join(ATTACKS)}.")
    ] = None,
    profile: Profile = "open",
    seed: Seed = 0,
    resume: Resume = None,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how often computed pictures are accepted, as a device's and as uploads, and what answering them costs."""
    with ProgressReport("indices") as progress:
        result = measure_attack(
            portraits=portraits,
            tries=tries,
            honest=honest,
            kinds=kind or ATTACKS,
            profile=profile,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            resume=resume,
            progress=progress,
        )
    show_run(result, json_, out)
