"""`idproof outbox …`: pending and failed deliveries."""

from typing import Annotated, Literal

import typer

from idproof.service.cli.options import DataDir, Sandbox

app = typer.Typer(no_args_is_help=True, help="Deliveries to the identity core and the webhook: list, retry.")

State = Annotated[Literal["pending", "delivered", "dead"] | None, typer.Option(help="Only deliveries in this state.")]


@app.command("list")
def list_(state: State = None, data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List deliveries, oldest first. A dead delivery, and later ones of its registration, wait for an operator."""
    from idproof.service.operations.data_folder import open_outbox

    for entry in open_outbox(data_dir, sandbox=sandbox).entries(state):
        kind = "" if entry.kind == "verdict" else f"  {entry.kind}"
        error = f"  {entry.error}" if entry.error else ""
        line = f"{entry.event}  {entry.destination}  {entry.state}  {entry.attempts} attempts"
        typer.echo(f"{line}  {entry.verification}  {entry.created_at}{kind}{error}")


@app.command("retry")
def retry(
    event: Annotated[str | None, typer.Argument(help="Event of one delivery; without it, all dead ones.")] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Queue dead deliveries again; a running service tries them at once. Exit 1 when there is none."""
    from idproof.service.operations.data_folder import open_outbox

    count = open_outbox(data_dir, sandbox=sandbox).retry(event)
    typer.echo(f"{count} to be tried again")
    raise typer.Exit(0 if count else 1)
