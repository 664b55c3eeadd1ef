"""`idproof bench far-engine`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, cluster
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.far_engine.measure import measure_far_engine

app = typer.Typer()


@app.command()
def far_engine(
    n: Annotated[int, typer.Option(min=2, help="Number of templates.")] = 100_000,
    dim: Annotated[int, typer.Option(min=2, help="Dimensions of a template.")] = 128,
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the invented templates.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how fast all pairs of many templates are compared, beside the bare matrix product and peers."""
    with ProgressReport("comparisons") as progress:
        result = measure_far_engine(
            n=n, dim=dim, workers=workers, runner=cluster(executor, address), seed=seed, progress=progress
        )
    show_run(result, json_, out)
