"""`idproof bench calibrate NAME`: one command per file of limits or operating points."""

from typing import Annotated

import typer

from idproof.benchmarks.card.calibration import calibrate_card
from idproof.benchmarks.card.evidence_fit import fit_evidence
from idproof.benchmarks.card.measured_cards import measure_cards
from idproof.benchmarks.cli.options import (
    Address,
    Calibration,
    Document,
    Executor,
    LfwPictures,
    Profile,
    Recipe,
    Sets,
    SomePeople,
    Threads,
    Workers,
)
from idproof.benchmarks.cli.output import write_calibration
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.face.portrait import calibrate_portraits
from idproof.benchmarks.face.quality import calibrate_quality
from idproof.benchmarks.face.templates import ORIGINAL
from idproof.benchmarks.liveness.calibration import calibrate_liveness
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.rendered_people.clips import Distance
from idproof.datasets.sets import read_sets
from idproof.models.profiles import load_engines
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.executors.task_runner import TaskRunner
from idproof.pipeline.opening import open_document

app = typer.Typer(no_args_is_help=True, help="Write limits or operating points from bona fide data.")


@app.command()
def card(
    sets: Sets,
    out: Calibration,
    recipe: Recipe = "",
    document: Document = "hkid-2018",
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
) -> None:
    """Write what the checks of the card measure on bona fide cards."""
    with ProgressReport("registrations") as progress:
        written = calibrate_card(
            read_sets(sets),
            recipe=recipe,
            document=document,
            runner=TaskRunner(workers, executor, address),
            progress=progress,
        )
    write_calibration(out, written)


@app.command()
def evidence(
    sets: Sets,
    out: Calibration,
    recipe: Recipe = "",
    document: Document = "hkid-2018",
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
) -> None:
    """Write the limit of the evidence from bona fide cards of several image formations."""
    with ProgressReport("registrations") as progress:
        cards = measure_cards(
            [entry for entry in read_sets(sets) if entry.truth.bona_fide],
            document=document,
            runner=TaskRunner(workers, executor, address),
            progress=progress,
        )
    write_calibration(out, fit_evidence(cards, CardExaminer.open(open_document(document)).quantities, recipe))


@app.command()
def face(sets: Sets, out: Calibration, recipe: Recipe = "", profile: Profile = "open", threads: Threads = 1) -> None:
    """Write operating points and the calibration of scores between card portraits and selfies."""
    engines = load_engines(profile, threads=threads)
    with ProgressReport("registrations") as progress:
        written = calibrate_portraits(read_sets(sets), engines, recipe=recipe, progress=progress)
    write_calibration(out, written)


@app.command()
def quality(
    root: LfwPictures,
    out: Calibration,
    people: SomePeople = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people drawn.")] = 0,
    threads: Threads = 1,
) -> None:
    """Write the limits of face quality from the pictures of the tuning people."""
    engines, faces = load_engines(profile, threads=threads), LabelledFaces.open(root)
    faces = faces if people is None else faces.some(people, seed)
    with ProgressReport("pictures") as progress:
        written = calibrate_quality(faces, engines, dataset=ORIGINAL, progress=progress)
    write_calibration(out, written)


@app.command()
def liveness(
    root: LfwPictures,
    out: Calibration,
    clips: Annotated[int, typer.Option(min=1, help="Bona fide clips of the tuning people.")] = 50,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people and of everything rendered.")] = 0,
    distance: Annotated[Distance, typer.Option(help="Arm's length, or standing before a kiosk.")] = Distance.ARM,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
) -> None:
    """Write what the liveness checks measure on rendered bona fide clips of the tuning people."""
    chosen = "" if distance is Distance.ARM else f" --distance {distance}"
    with ProgressReport("clips") as progress:
        written = calibrate_liveness(
            root,
            clips=clips,
            profile=profile,
            distance=distance,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            recipe=f"idproof bench calibrate liveness --root LFW --clips {clips} --seed {seed}{chosen} --out FILE",
            progress=progress,
        )
    write_calibration(out, written)
