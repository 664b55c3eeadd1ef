"""`idproof bench latency`."""

from typing import Annotated

import cv2
import typer

from idproof.benchmarks.cli.options import AsJson, Out, Profile, Seed, Sets, Threads
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.latency.measure import measure_latency
from idproof.datasets.sets import read_sets
from idproof.pipeline import Verifier

app = typer.Typer()


@app.command()
def latency(
    sets: Sets,
    profile: Profile = "open",
    seed: Seed = 0,
    threads: Threads = 1,
    branches: Annotated[int, typer.Option(min=1, help="Threads for the steps of one registration.")] = 1,
    clips: Annotated[int, typer.Option(min=0, help="Rendered liveness clips to examine too.")] = 10,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the time of one registration, stage by stage, and of one liveness clip."""
    registrations = read_sets(sets)
    cv2.setNumThreads(threads)  # as in the service: OpenCV would take every processor
    verifier = Verifier.open(profile=profile, threads=threads, branches=branches)
    with ProgressReport("registrations") as progress:
        result = measure_latency(registrations, verifier, clips=clips, seed=seed, progress=progress)
    show_run(result, json_, out)
