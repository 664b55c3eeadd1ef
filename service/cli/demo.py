"""`idproof demo`: one invented registration, verified by the real service."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.cli.options import Json


def demo(
    portraits: Annotated[Path | None, typer.Option(help="Your own photographs, as Name/Name_0001.jpg.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the invented applicant.")] = 2,
    out: Annotated[
        Path | None, typer.Option(help="File for the whole verdict as JSON; by default in a new temporary folder.")
    ] = None,
    json_: Json = False,
) -> None:
    """Verify one invented registration with the real service, and show that no picture is left."""
    from idproof.service.cli.demonstration import run

    raise typer.Exit(run(portraits, seed, out, as_json=json_))
