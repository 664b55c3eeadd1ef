"""`idproof bench turning`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.card.turning import REPLAYS, measure_turning
from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, Seed, Workers
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.formations import FormationName
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def turning(
    portraits: Annotated[
        Path | None, typer.Option(help="Photographs in LFW layout, folder or zip; else the bundled ones.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="Films of genuine cards.")] = 100,
    replays: Annotated[int, typer.Option(min=0, help="Films of each kind of replay.")] = 20,
    kind: Annotated[
        list[str] | None, typer.Option(help=f"Only this kind; repeatable. Known: {', '.join(REPLAYS)}.")
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="Number of the first film of each kind.")] = 0,
    split: Annotated[Split, typer.Option(help="Whose people, cameras and parameters are drawn.")] = Split.TEST,
    formation: Annotated[FormationName, typer.Option(help="Image formation.")] = FormationName.ANALYTIC,
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
