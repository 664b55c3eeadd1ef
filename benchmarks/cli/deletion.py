"""`idproof bench deletion`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, Out, Profile
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport, report_line
from idproof.benchmarks.deletion.measure import Part, measure_deletion

app = typer.Typer()


@app.command()
def deletion(
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(min=0, help="Of the canary pictures.")] = 60_606,
    in_a_row: Annotated[int, typer.Option(min=1, help="Registrations one after another.")] = 200,
    side_by_side: Annotated[int, typer.Option(min=1, max=8, help="Registrations at once.")] = 8,
    timed: Annotated[int, typer.Option(min=2, help="Registrations timed with and without the guards.")] = 20,
    part: Annotated[
        list[Part] | None, typer.Option(help="Only this part; repeatable. What it finds, the others do not need.")
    ] = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Search memory, disk and logs for what is left of the pictures; run it as root."""
    with ProgressReport("deletion", bar=False):
        result = measure_deletion(
            profile=profile,
            seed=seed,
            in_a_row=in_a_row,
            side_by_side=side_by_side,
            timed=timed,
            parts=part or tuple(Part),
            report=report_line,
        )
    show_run(result, json_, out)
