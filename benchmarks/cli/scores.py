"""`idproof bench scores`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, Out
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.harness.output import CAPTURED, INVENTED, PHOTOGRAPHS, RENDERED
from idproof.benchmarks.scores import files
from idproof.benchmarks.scores.measure import measure_scores

app = typer.Typer()


@app.command()
def scores(
    tables: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV, npy or Parquet with the columns score and label.")
    ],
    rate: Annotated[
        list[float] | None,
        typer.Option(help="FMR of an operating point, or APCER of every species; repeatable.", min=1e-12, max=1.0),
    ] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="SYSTEM=VALUE: a threshold in force, tried as it is; repeatable.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="What was scored: " + ", ".join((CAPTURED, PHOTOGRAPHS, RENDERED, INVENTED)))
    ] = CAPTURED,
    seed: Annotated[int, typer.Option(help="Of the intervals by person.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure scores that other software made: trade-offs, operating points, groups, species of attack."""
    if data not in (CAPTURED, PHOTOGRAPHS, RENDERED, INVENTED):
        raise typer.BadParameter("unknown kind of data", param_hint="--data")
    with ProgressReport("files") as progress:
        systems = []
        for done, table in enumerate(tables, start=1):
            systems += files.read(table)
            progress(done, len(tables))
        result = measure_scores(systems, rates=rate, thresholds=_thresholds(threshold or []), data=data, seed=seed)
    show_run(result, json_, out)


def _thresholds(given: list[str]) -> dict[str, float]:
    found = {}
    for each in given:
        system, _, value = each.rpartition("=")
        try:
            found[system] = float(value)
        except ValueError:
            raise typer.BadParameter(f"{each} is not SYSTEM=VALUE", param_hint="--threshold") from None
    return found
