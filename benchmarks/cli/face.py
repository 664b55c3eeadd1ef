"""`idproof bench face` and `idproof bench quality`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    LfwPictures,
    OptionalSets,
    Out,
    Profile,
    RawScores,
    SomePeople,
    Threads,
    cluster,
)
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.face.measure import measure_face
from idproof.benchmarks.face.portrait import measure_portraits
from idproof.benchmarks.face.quality import measure_quality
from idproof.benchmarks.face.templates import DATASETS, ORIGINAL
from idproof.benchmarks.harness.output import Run
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import read_sets
from idproof.models.profiles import load_engines

app = typer.Typer()


@app.command()
def face(
    dataset: Annotated[
        str | None, typer.Option(help="lfw: original pictures; lfw-112: aligned pictures. Needs --root.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="The data set, folder or zip.")] = None,
    sets: OptionalSets = None,
    pairs: Annotated[
        Path | None, typer.Option(help="CSV of labelled pairs for the accuracy; not with --people.")
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="CSV of labels of people or files, or `capture`: error rates per group.")
    ] = None,
    people: SomePeople = None,
    profile: Profile = "open",
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the people drawn and of the intervals.")] = 0,
    threads: Threads = 1,
    scores: RawScores = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the face comparison: all pairs of a data set, card portraits against the selfies of --sets, or both."""
    if (dataset is None) != (root is None) or (dataset is None and sets is None):
        raise typer.BadParameter("give --dataset with --root, or --sets, or all of them")
    if dataset is not None and dataset not in DATASETS:
        raise typer.BadParameter("known sets: " + ", ".join(DATASETS), param_hint="--dataset")
    if scores is not None and dataset is not None and sets is not None:
        raise typer.BadParameter("--scores is of one kind of comparison: give --dataset or --sets")
    engines = load_engines(profile, threads=threads)
    result: Run | None = None
    if dataset is not None and root is not None:
        faces = LabelledFaces.open(root)
        faces = faces if people is None else faces.some(people, seed)
        with ProgressReport("pictures") as progress:
            result = measure_face(
                faces,
                engines,
                dataset=dataset,
                pairs=pairs if people is None else None,
                groups=groups,
                scores=scores,
                seed=seed,
                runner=cluster(executor, address),
                progress=progress,
            )
    if sets is not None:
        with ProgressReport("registrations") as progress:
            result = measure_portraits(
                read_sets(sets), engines, seed=seed, after=result, scores=scores, progress=progress
            )
    if result is not None:
        show_run(result, json_, out)


@app.command()
def quality(
    root: LfwPictures,
    people: SomePeople = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people drawn.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how often photographs are referred to a person for their quality, and the cost of a frame."""
    engines, faces = load_engines(profile, threads=threads), LabelledFaces.open(root)
    faces = faces if people is None else faces.some(people, seed)
    with ProgressReport("pictures") as progress:
        result = measure_quality(faces, engines, dataset=ORIGINAL, progress=progress)
    show_run(result, json_, out)
