"""`idproof outbox …`: what is to be delivered, and what could not be."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, help="Deliveries to the identity core and the webhook: list, retry.")

DataDir = Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")]
State = Annotated[Literal["pending", "delivered", "dead"] | None, typer.Option(help="Only these.")]


@app.command("list")
def list_(state: State = None, data_dir: DataDir = None) -> None:
    """Deliveries from the oldest on. A dead one waits for an operator, and so do the later ones of its registration."""
    from idproof.service.operations.data_folder import open_outbox

    for entry in open_outbox(data_dir).entries(state):
        error = f"  {entry.error}" if entry.error else ""
        line = f"{entry.event}  {entry.destination}  {entry.state}  {entry.attempts} attempts"
        typer.echo(f"{line}  {entry.verification}  {entry.created_at}{error}")


@app.command("retry")
def retry(
    event: Annotated[str | None, typer.Argument(help="One delivery; all dead ones when not given.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Try dead deliveries again; a running service does so at once. Exit 1 when there is none."""
    from idproof.service.operations.data_folder import open_outbox

    count = open_outbox(data_dir).retry(event)
    typer.echo(f"{count} to be tried again")
    raise typer.Exit(0 if count else 1)
