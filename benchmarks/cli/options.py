"""Options that several commands share, in one place."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.pipeline.executors.task_runner import ExecutorName, TaskRunner

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes side by side.")]
Executor = Annotated[ExecutorName, typer.Option(help="ExecutorName the work is done: ray for a cluster.")]
Address = Annotated[str | None, typer.Option(help="Of the cluster; without it one begins here.")]
Measured = Annotated[
    Path | None, typer.Option(help="A run of `idproof bench scale` on a machine like those; ours without one.")
]
Out = Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")]
Profile = Annotated[str, typer.Option(help="Profile of networks.")]
Seed = Annotated[int, typer.Option(help="Recorded with the run.")]
Sets = Annotated[Path, typer.Option(help="Folder of registrations in the set.json format.")]
SomeSets = Annotated[Path | None, typer.Option(help="Folder of registrations in the set.json format.")]
Recipe = Annotated[str, typer.Option(help="How the sets came about, for the calibration's record.")]
Threads = Annotated[int, typer.Option(min=1, help="Processor threads for each network call.")]


def cluster(executor: ExecutorName, address: str | None) -> TaskRunner | None:
    """Over a cluster, or None for this process."""
    return TaskRunner(executor=executor, address=address) if executor == "ray" else None
