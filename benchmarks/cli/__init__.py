"""`idproof bench NAME`: one sub-command a question, one JSON object on standard output with `--json`."""

import typer

from idproof.benchmarks.cli import analysis, card, face_and_liveness, system
from idproof.benchmarks.cli import capacity as machines
from idproof.benchmarks.cli.capacity import capacity

__all__ = ["app", "capacity"]

app = typer.Typer(no_args_is_help=True, help="Measure the system; figures on rendered data are called that.")
for family in (system, card, face_and_liveness, machines, analysis):
    app.add_typer(family.app)
