"""Options that several commands share, and the exit codes of the program."""

from pathlib import Path
from typing import Annotated, Literal

import typer

EXIT_BY_DECISION = {"accept": 0, "refer": 10, "reject": 20}
EXIT_BAD_INPUT = 2
EXIT_INTERNAL = 70
"""EX_SOFTWARE of sysexits.h."""

Executor = Literal["in-process", "ray"]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Of the sandbox (`idproof serve --sandbox`).")]
Profile = Annotated[str, typer.Option(help="Profile of networks.")]
Document = Annotated[
    str, typer.Option(help="Document type of the card: a built-in name, or the path of your own file (….toml).")
]
Manifest = Annotated[Path | None, typer.Option(help="Your own manifest of weights.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
