"""The card and what is on it: `card`, `fields`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.card import calibration, public_sets
from idproof.benchmarks.card import run as card_bench
from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    Out,
    Profile,
    Recipe,
    Seed,
    Sets,
    SomeSets,
    Workers,
)
from idproof.benchmarks.cli.show import Bar, show, write
from idproof.benchmarks.fields import run as fields_bench
from idproof.datasets.public import READERS
from idproof.datasets.sets import RegistrationSet, read_sets
from idproof.pipeline import IdproofError
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def card(
    sets: SomeSets = None,
    tuning: Annotated[
        Path | None, typer.Option(help="Other registrations, for the published baseline and a supervised variant.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A public set instead: " + ", ".join(READERS))] = None,
    root: Annotated[Path | None, typer.Option(help="Where the public set lies.")] = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the supervised variant.")] = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    figures: Annotated[Path | None, typer.Option(help="Draw one picture a kind into this folder instead.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write what bona fide cards of --sets measure to this file instead.")
    ] = None,
    recipe: Recipe = "",
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Is this the real card? APCER by kind of attack, BPCER, and how exactly the card is found."""
    if (sets is None) == (dataset is None) or (dataset is None) != (root is None):
        raise typer.BadParameter("give either --sets, or --dataset with --root")
    if figures is not None and sets is not None:
        _draw_figures(read_sets(sets), figures)
        return
    if calibrate is not None and sets is not None:
        _calibrate(read_sets(sets), calibrate, recipe, TaskRunner(workers, executor, address))
        return
    with Bar("registrations") as advance:
        if dataset is not None and root is not None:
            result = public_sets.run(dataset, root, profile=profile, seed=seed, progress=advance)
        else:
            others = read_sets(tuning) if tuning else []
            result = card_bench.run(
                read_sets(sets or Path()),
                tuning=others,
                profile=profile,
                runner=TaskRunner(workers, executor, address),
                seed=seed,
                progress=advance,
            )
    show(result, json_, out)


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
    """How well the card is read, and which edits its fields give away."""
    registrations = read_sets(sets)
    with Bar("registrations") as advance:
        result = fields_bench.run(
            registrations, profile=profile, runner=TaskRunner(workers, executor, address), seed=seed, progress=advance
        )
    show(result, json_, out)


def _calibrate(registrations: Sequence[RegistrationSet], file: Path, recipe: str, runner: TaskRunner) -> None:
    with Bar("registrations") as advance:
        written = calibration.run(registrations, recipe=recipe, runner=runner, progress=advance)
    write(file, written)


def _draw_figures(registrations: list[RegistrationSet], out: Path) -> None:
    from idproof.benchmarks.card import pictures  # matplotlib takes a second to import

    try:
        written = pictures.draw(registrations, out)
    except OSError:
        raise IdproofError(f"The figures cannot be written to {out.name}.") from None
    typer.echo(f"{len(written)} figures in {out}", err=True)
