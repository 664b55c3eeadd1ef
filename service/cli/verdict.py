"""`idproof verdict …`: check a verdict offline, erase stored ones."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.cli.options import DataDir, Sandbox
from idproof.service.cli.output import plain_console, print_verdict, read_file

app = typer.Typer(no_args_is_help=True, help="Verdicts: check one offline, erase stored ones.")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A verdict: the JSON with its `jws`, or the bare JWS.")],
    jwks: Annotated[str | None, typer.Option(help="File or URL of the public keys.")] = None,
) -> None:
    """Check a verdict's signature offline; print its decision and deletion receipt. Exit 1 if it does not hold."""
    from idproof.service.signing.check import check_verdict

    claims = check_verdict(read_file(file).decode("utf-8", errors="replace"), jwks)
    print_verdict(claims["verdict"])
    plain_console().print(f"The signature holds. Issued by {claims['iss']}.", style="green")


@app.command("erase")
def erase(
    verdict_id: Annotated[str | None, typer.Option("--id", help="Id of one verdict.")] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Erase one verdict by its id, or everything stored of one person by the card number, which is prompted for."""
    from idproof.service.operations import retention
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    if verdict_id is not None:
        count = int(retention.erase(store, audit, verdict_id, by=operator()))
    else:
        # Prompted for: arguments stay in the shell's history, and other users see them.
        number = typer.prompt("Card number", hide_input=True, err=True)
        count = retention.erase_person(store, audit, number, by=operator())
    typer.echo(f"{count} erased")
    raise typer.Exit(0 if count else 1)


@app.command("expire")
def expire(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Erase now what is older than the retention period; a running service does so every hour."""
    from idproof.service.operations import retention
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.operations.settings import Settings

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    erased = retention.expire(store, audit, Settings.load().retention_days, by=operator())
    typer.echo(f"{erased} erased")
