"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.formations import FormationName
from idproof.pipeline.executors.task_runner import ExecutorName, TaskRunner

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Workers = Annotated[int, typer.Option(min=1, help="Number of processes.")]
Document = Annotated[
    str, typer.Option(help="Document type of the cards: a built-in name, or the path of your own file (….toml).")
]
Executor = Annotated[ExecutorName, typer.Option(help="Where the work is done; ray uses a cluster.")]
Address = Annotated[str | None, typer.Option(help="Address of the cluster; without it a cluster starts here.")]
Measured = Annotated[
    Path | None, typer.Option(help="Run of `idproof bench scale` on such a machine; default: the shipped run.")
]
Out = Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")]
Calibration = Annotated[Path, typer.Option("--out", help="File to write.")]
Profile = Annotated[str, typer.Option(help="Profile of networks.")]
Seed = Annotated[int, typer.Option(help="Recorded with the run.")]
Sets = Annotated[Path, typer.Option(help="Folder of registrations in the set.json format.")]
OptionalSets = Annotated[Path | None, typer.Option(help="Folder of registrations in the set.json format.")]
Recipe = Annotated[str, typer.Option(help="How the registrations were made; recorded in the file.")]
Threads = Annotated[int, typer.Option(min=1, help="Processor threads per network call.")]
RawScores = Annotated[
    Path | None, typer.Option("--scores", help="Also write the raw scores: CSV, npy or Parquet, for `bench scores`.")
]
Portraits = Annotated[
    Path | None, typer.Option(help="Photographs in LFW layout, folder or zip; else the bundled ones.")
]
FirstFilm = Annotated[int, typer.Option(min=0, help="Number of the first film of each kind.")]
DrawnSplit = Annotated[Split, typer.Option(help="Whose people, cameras and parameters are drawn.")]
Formation = Annotated[FormationName, typer.Option(help="Image formation.")]
Resume = Annotated[Path | None, typer.Option(help="File to stop and resume by.")]
LfwPictures = Annotated[Path, typer.Option(help="Original LFW pictures (250 × 250), folder or zip.")]
SomePeople = Annotated[int | None, typer.Option(min=2, help="Use only this many people, drawn with the seed.")]


def cluster(executor: ExecutorName, address: str | None) -> TaskRunner | None:
    """Returns a runner over a cluster, or None for this process."""
    return TaskRunner(executor=executor, address=address) if executor == "ray" else None
