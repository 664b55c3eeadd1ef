"""`idproof bench liveness`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    Out,
    RawScores,
    Resume,
    Seed,
    Workers,
)
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.liveness import stills as stills_of
from idproof.benchmarks.liveness.measure import measure_liveness
from idproof.datasets.rendered_people.clips import ATTACKS, PUPPETS, SPECIES, Distance
from idproof.pipeline.executors.task_runner import TaskRunner
from idproof.pipeline.liveness.examiner import CALIBRATION_FILE

app = typer.Typer()


@app.command()
def liveness(
    root: Annotated[Path | None, typer.Option(help="Original LFW pictures (250 × 250), folder or zip.")] = None,
    stills: Annotated[
        Path | None,
        typer.Option(help="Measure labelled still pictures instead: CSV beside them, or a zip that holds both."),
    ] = None,
    clips: Annotated[int, typer.Option(min=1, help="Clips of people, and of each species of attack.")] = 50,
    people: Annotated[int | None, typer.Option(min=1, help="Clips of people, when not as many as --clips.")] = None,
    profile: Annotated[
        str | None, typer.Option(help=f"Profile of networks; open, and {stills_of.PROFILE} with --stills.")
    ] = None,
    species: Annotated[
        list[str] | None,
        typer.Option(help=f"Species of attack, repeatable; also {', '.join(PUPPETS)}. Default: {', '.join(SPECIES)}."),
    ] = None,
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    distance: Annotated[Distance, typer.Option(help="Arm's length, or standing before a kiosk.")] = Distance.ARM,
    unseen_by: Annotated[
        list[int] | None, typer.Option(help="Seed of an earlier run of 50 clips; its people are left out; repeatable.")
    ] = None,
    resume: Resume = None,
    scores: RawScores = None,
    calibration: Annotated[Path, typer.Option(help="File that the limits come from.")] = CALIBRATION_FILE,
    gaze: Annotated[bool, typer.Option(help="Refer eyes that do not stay on the screen.")] = False,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the liveness examination: APCER per species of rendered attack, and BPCER; or still pictures."""
    if stills is not None and root is None:
        show_run(stills_of.measure_stills(stills, profile=profile or stills_of.PROFILE), json_, out)
        return
    if root is None or stills is not None:
        raise typer.BadParameter("give --root for rendered clips, or --stills for still pictures")
    unknown = set(species or ()) - set(ATTACKS)
    if unknown:
        raise typer.BadParameter(f"there is no species {', '.join(sorted(unknown))}")
    with ProgressReport("clips") as progress:
        result = measure_liveness(
            root,
            clips=clips,
            people=people,
            species=species or tuple(SPECIES),
            profile=profile or "open",
            distance=distance,
            unseen_by=unseen_by or (),
            calibration=calibration,
            gaze=gaze,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            resume=resume,
            scores=scores,
            progress=progress,
        )
    show_run(result, json_, out)
