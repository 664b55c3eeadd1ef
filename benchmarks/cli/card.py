"""`idproof bench card` and `idproof bench card-figures`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.card.measure import measure_card
from idproof.benchmarks.card.public_sets import measure_public_set
from idproof.benchmarks.card.transfer import measure_transfer
from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Document,
    Executor,
    OptionalSets,
    Out,
    Profile,
    RawScores,
    Resume,
    Sets,
    Workers,
)
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport, report_line
from idproof.datasets.public import READERS
from idproof.datasets.sets import read_sets
from idproof.pipeline import IdproofError
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def card(
    sets: OptionalSets = None,
    tuning: Annotated[
        Path | None, typer.Option(help="Other registrations, for the published baseline and a supervised variant.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A public set instead: " + ", ".join(READERS))] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the public set.")] = None,
    transfer: Annotated[
        bool,
        typer.Option(
            "--transfer",
            help="Leave one image formation out: judge the cards of each by limits of the others (--tuning).",
        ),
    ] = False,
    document: Document = "hkid-2018",
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the supervised variant.")] = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    scores: RawScores = None,
    resume: Resume = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the checks of the card: APCER per kind of attack, BPCER, and how exactly the card is found."""
    if (sets is None) == (dataset is None) or (dataset is None) != (root is None):
        raise typer.BadParameter("give either --sets, or --dataset with --root")
    if dataset is not None and scores is not None:
        raise typer.BadParameter("--scores is written of registrations (--sets)")
    if dataset is not None and document != "hkid-2018":
        raise typer.BadParameter("--document is the type of registrations (--sets)")
    if transfer and (sets is None or tuning is None or scores is not None):
        raise typer.BadParameter("--transfer needs --sets and --tuning, and writes no --scores")
    if resume is not None and not transfer:
        raise typer.BadParameter("--resume is an option of --transfer")
    with ProgressReport("registrations") as progress:
        if transfer and sets is not None and tuning is not None:
            result = measure_transfer(
                read_sets(sets),
                read_sets(tuning),
                document=document,
                profile=profile,
                runner=TaskRunner(workers, executor, address),
                progress=progress,
                resume=resume,
            )
        elif dataset is not None and root is not None:
            result = measure_public_set(dataset, root, profile=profile, seed=seed, progress=progress)
        else:
            result = measure_card(
                read_sets(sets or Path()),
                tuning=read_sets(tuning) if tuning else [],
                document=document,
                profile=profile,
                runner=TaskRunner(workers, executor, address),
                seed=seed,
                scores=scores,
                progress=progress,
            )
    show_run(result, json_, out)


@app.command("card-figures")
def card_figures(sets: Sets, out: Annotated[Path, typer.Option(help="Folder to write to.")]) -> None:
    """Draw one picture per kind of attack: the card from three angles, and what changed between them."""
    from idproof.benchmarks.card import pictures  # matplotlib takes a second to import

    try:
        written = pictures.draw(read_sets(sets), out)
    except OSError:
        raise IdproofError(f"The figures cannot be written to {out.name}.") from None
    report_line(f"{len(written)} figures in {out}")
