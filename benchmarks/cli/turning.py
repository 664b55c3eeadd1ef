"""`idproof bench turning`."""

from typing import Annotated

import typer

from idproof.benchmarks.card.turning import COMPUTED, REPLAYS, measure_turning
from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    DrawnSplit,
    Executor,
    FirstFilm,
    Formation,
    Out,
    Portraits,
    Seed,
    Workers,
)
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.formations import FormationName
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def turning(
    portraits: Portraits = None,
    count: Annotated[int, typer.Option(min=0, help="Films of genuine cards.")] = 100,
    replays: Annotated[int, typer.Option(min=0, help="Films of each kind of replay.")] = 20,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this kind; repeatable. Known: {', '.join((*REPLAYS, *COMPUTED))}; else replays."),
    ] = None,
    first: FirstFilm = 0,
    split: DrawnSplit = Split.TEST,
    formation: Formation = FormationName.ANALYTIC,
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how a card that is turned between its captures is told from pictures that are exchanged, on films."""
    with ProgressReport("films") as progress:
        result = measure_turning(
            count=count,
            replays=replays,
            first=first,
            kinds=kind or REPLAYS,
            portraits=portraits,
            split=split,
            formed_by=formation,
            seed=seed,
            runner=TaskRunner(workers, executor, address),
            progress=progress,
        )
    show_run(result, json_, out)
