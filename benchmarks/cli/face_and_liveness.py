"""The person: `face`, `quality`, `liveness`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    Out,
    Profile,
    Recipe,
    Seed,
    Threads,
    Workers,
    cluster,
)
from idproof.benchmarks.cli.show import Bar, show, write
from idproof.benchmarks.face import portrait
from idproof.benchmarks.face import quality as face_quality
from idproof.benchmarks.face import run as face_bench
from idproof.benchmarks.face.templates import DATASETS, ORIGINAL
from idproof.benchmarks.harness.output import Run
from idproof.benchmarks.liveness import run as liveness_bench
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.rendered_people.clips import Distance
from idproof.datasets.sets import read_sets
from idproof.models.profiles import load_engines
from idproof.pipeline.executors.task_runner import TaskRunner
from idproof.pipeline.liveness.examiner import CALIBRATION_FILE

app = typer.Typer()


@app.command()
def face(
    dataset: Annotated[
        str | None, typer.Option(help="lfw: original pictures; lfw-112: already aligned ones. Needs --root.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Where the set lies, folder or zip.")] = None,
    sets: Annotated[Path | None, typer.Option(help="Registrations: card portraits against selfies.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of labelled pairs; accuracy needs everybody.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="CSV of labels of people or files, or `capture`: error rates by group.")
    ] = None,
    people: Annotated[int | None, typer.Option(min=2, help="Only so many people, drawn with the seed.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write the calibration of the scores of --sets to this file instead.")
    ] = None,
    recipe: Recipe = "",
    profile: Profile = "open",
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the people drawn and of the intervals.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Face comparison: all pairs of a set, the source of a profile's operating points; card portraits; or both."""
    if (dataset is None) != (root is None) or (dataset is None and sets is None):
        raise typer.BadParameter("give --dataset with --root, or --sets, or all of them")
    if dataset is not None and dataset not in DATASETS:
        raise typer.BadParameter("known sets: " + ", ".join(DATASETS), param_hint="--dataset")
    engines = load_engines(profile, threads=threads)
    if calibrate is not None and sets is not None:
        with Bar("registrations") as advance:
            written = portrait.calibrate(read_sets(sets), engines, recipe=recipe, progress=advance)
        write(calibrate, written)
        return
    result: Run | None = None
    if dataset is not None and root is not None:
        faces = LabelledFaces.open(root)
        faces = faces if people is None else faces.some(people, seed)
        with Bar("pictures") as advance:
            result = face_bench.run(
                faces,
                engines,
                dataset=dataset,
                pairs=pairs if people is None else None,
                groups=groups,
                seed=seed,
                runner=cluster(executor, address),
                progress=advance,
            )
    if sets is not None:
        with Bar("registrations") as advance:
            result = portrait.run(read_sets(sets), engines, seed=seed, after=result, progress=advance)
    if result is not None:
        show(result, json_, out)


@app.command()
def quality(
    root: Annotated[Path, typer.Option(help="Original LFW pictures, folder or zip.")],
    people: Annotated[int | None, typer.Option(min=2, help="Only so many people, drawn with the seed.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write the limits that the tuning people's pictures give to this file instead.")
    ] = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people drawn.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How often photographs are sent to a person for their quality, and what a frame costs."""
    engines, faces = load_engines(profile, threads=threads), LabelledFaces.open(root)
    faces = faces if people is None else faces.some(people, seed)
    with Bar("pictures") as advance:
        if calibrate is not None:
            write(calibrate, face_quality.calibrate(faces, engines, dataset=ORIGINAL, progress=advance))
            return
        result = face_quality.run(faces, engines, dataset=ORIGINAL, progress=advance)
    show(result, json_, out)


@app.command()
def liveness(
    root: Annotated[Path, typer.Option(help="LFW's 250 × 250 pictures, folder or zip.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips of people, and of each species of attack.")] = 50,
    people: Annotated[int | None, typer.Option(min=1, help="Clips of people, if not as many as --clips.")] = None,
    profile: Profile = "open",
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    distance: Annotated[Distance, typer.Option(help="Arm's length, or standing before a kiosk.")] = Distance.ARM,
    unseen_by: Annotated[
        list[int] | None, typer.Option(help="Seed of an earlier run of 50 clips, whose people are left out; repeat it.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="A file to stop and resume by.")] = None,
    calibration: Annotated[Path, typer.Option(help="The file that limits come from.")] = CALIBRATION_FILE,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write what bona fide clips of the tuning split measure to this file instead.")
    ] = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Is a living person before the camera? APCER by species of rendered attack, and BPCER."""
    if calibrate is not None:
        far = "" if distance is Distance.ARM else f" --distance {distance}"
        table = liveness_bench.calibrate(
            root,
            clips=clips,
            profile=profile,
            distance=distance,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            recipe=f"idproof bench liveness --root LFW --clips {clips} --seed {seed}{far} --calibrate FILE",
        )
        liveness_bench.write(table, calibrate)
        return
    with Bar("clips") as advance:
        result = liveness_bench.run(
            root,
            clips=clips,
            people=people,
            profile=profile,
            distance=distance,
            unseen_by=unseen_by or (),
            calibration=calibration,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            resume=resume,
            progress=advance,
        )
    show(result, json_, out)
