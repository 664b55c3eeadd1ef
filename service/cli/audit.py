"""`idproof audit …`: check the audit log, print its signed head."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.cli.options import DataDir
from idproof.service.cli.output import read_file

app = typer.Typer(no_args_is_help=True, help="The audit log: check it, print its signed head.")


@app.command("check")
def check(
    head: Annotated[Path | None, typer.Option(help="File of a signed head that was kept elsewhere.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Read the whole audit log. Exit 1 when a line was changed or is missing, or the log was cut off."""
    from idproof.service.operations.data_folder import open_audit_log

    found = open_audit_log(data_dir).check(read_file(head).decode() if head is not None else None)
    typer.echo(f"The audit log is whole: {found.count} events, the last with hash {found.digest}.")


@app.command("head")
def head(data_dir: DataDir = None) -> None:
    """Print the signed head. Keep it where nobody who can change the log can change the copy."""
    from idproof.service.operations.data_folder import open_audit_log

    typer.echo(open_audit_log(data_dir).signed_head())
