"""`idproof bench card-light`."""

from typing import Annotated

import typer

from idproof.benchmarks.card.lit import measure_lit
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
from idproof.datasets.specimen.lit_film import ATTACKS, LitKind
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command("card-light")
def card_light(
    portraits: Portraits = None,
    count: Annotated[int, typer.Option(min=0, help="Films of genuine cards.")] = 60,
    attacks: Annotated[int, typer.Option(min=0, help="Films of each kind of attack.")] = 30,
    kind: Annotated[
        list[LitKind] | None, typer.Option(help="Only this kind of attack; repeatable.", case_sensitive=False)
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
    """Measure how cards in the light of a screen are told from displays, copies and programs, on rendered films."""
    with ProgressReport("films") as progress:
        result = measure_lit(
            count=count,
            attacks=attacks,
            first=first,
            kinds=kind or ATTACKS,
            portraits=portraits,
            split=split,
            formed_by=formation,
            seed=seed,
            runner=TaskRunner(workers, executor, address),
            progress=progress,
        )
    show_run(result, json_, out)
