"""`idproof bench template`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, Out, Profile, SomePeople, Threads
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.face.templates import DATASETS
from idproof.benchmarks.template.measure import measure_template
from idproof.datasets.lfw import LabelledFaces
from idproof.models.profiles import load_engines

app = typer.Typer()


@app.command()
def template(
    root: Annotated[Path, typer.Option(help="The data set, folder or zip.")],
    dataset: Annotated[str, typer.Option(help="lfw: original pictures; lfw-112: aligned pictures.")] = "lfw-112",
    people: SomePeople = None,
    forms: Annotated[int, typer.Option(min=1, help="Stored forms of each enrolment.")] = 4,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people drawn, of the pairs and of the intervals.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure whether protected face templates of one person can be linked, and whether they open unchanged."""
    if dataset not in DATASETS:
        raise typer.BadParameter("known sets: " + ", ".join(DATASETS), param_hint="--dataset")
    faces = LabelledFaces.open(root)
    faces = faces if people is None else faces.some(people, seed)
    with ProgressReport("pictures") as progress:
        run = measure_template(
            faces,
            load_engines(profile, threads=threads),
            dataset=dataset,
            seed=seed,
            forms=forms,
            progress=progress,
        )
    show_run(run, json_, out)
