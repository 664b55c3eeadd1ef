"""`idproof bench peers`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, OptionalSets, Out, Profile, Seed
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.peers.measure import Pairs, measure_peers
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import read_sets

app = typer.Typer()


@app.command()
def peers(
    root: Annotated[Path | None, typer.Option(help="Original LFW pictures, folder or zip; with --pairs.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of labelled pairs.")] = None,
    most: Annotated[int, typer.Option(min=4, help="At most this many pairs, half of each kind.")] = 600,
    sets: OptionalSets = None,
    cards: Annotated[int, typer.Option(min=1, help="At most this many bona fide cards of --sets.")] = 20,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure other software on the same photographs and the same cards, in the same run."""
    if (root is None) != (pairs is None) or (root is None and sets is None):
        raise typer.BadParameter("give --root with --pairs, or --sets, or all of them")
    photographs = None
    if root is not None and pairs is not None:
        photographs = Pairs.read(LabelledFaces.open(root), pairs, most)
    bona_fide = [entry for entry in read_sets(sets) if entry.truth.bona_fide][:cards] if sets is not None else []
    with ProgressReport("systems") as progress:
        result = measure_peers(pairs=photographs, sets=bona_fide, profile=profile, seed=seed, progress=progress)
    show_run(result, json_, out)
