"""`idproof bench NAME`: one command per question; `--json` prints one JSON object on standard output."""

import typer

from idproof.benchmarks.cli import (
    attack,
    calibrate,
    card,
    card_light,
    check,
    deletion,
    face,
    far_engine,
    fields,
    guidance,
    latency,
    liveness,
    load,
    peers,
    report,
    scale,
    scores,
    stream,
    system,
    template,
    turning,
)
from idproof.benchmarks.cli import capacity as capacity_commands
from idproof.benchmarks.cli.capacity import capacity

__all__ = ["app", "capacity"]

app = typer.Typer(no_args_is_help=True, help="Measure the system. Figures on rendered data are marked as rendered.")
for commands in (
    system,
    card,
    attack,
    turning,
    card_light,
    fields,
    guidance,
    face,
    template,
    liveness,
    latency,
    deletion,
    stream,
    load,
    scale,
    capacity_commands,
    far_engine,
    scores,
    peers,
    report,
    check,
):
    app.add_typer(commands.app)
app.add_typer(calibrate.app, name="calibrate")
