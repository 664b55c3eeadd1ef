"""`idproof bench far-engine`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, cluster
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.far_engine.measure import measure_far_engine
from idproof.benchmarks.far_engine.own_templates import measure_own_templates, read_templates

app = typer.Typer()


@app.command()
def far_engine(
    n: Annotated[int, typer.Option(min=2, help="Number of invented templates.")] = 100_000,
    dim: Annotated[int, typer.Option(min=2, help="Dimensions of an invented template.")] = 128,
    templates: Annotated[
        Path | None, typer.Option(help="Own templates instead: npy of (n, dimensions). Needs --labels.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV with `subject` and possibly `group`, or npy of subjects; one per template.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the invented templates.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how fast all pairs of invented templates are compared, or the error rates of own templates."""
    if (templates is None) != (labels is None):
        raise typer.BadParameter("give --templates together with --labels")
    runner = cluster(executor, address)
    with ProgressReport("comparisons") as progress:
        if templates is not None and labels is not None:
            own = read_templates(templates, labels)
            result = measure_own_templates(own, workers=workers, runner=runner, progress=progress)
        else:
            result = measure_far_engine(n=n, dim=dim, workers=workers, runner=runner, seed=seed, progress=progress)
    show_run(result, json_, out)
