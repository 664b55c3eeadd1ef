"""`idproof kiosk …`: devices that stream."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.storage.kiosks import Kiosks

app = typer.Typer(no_args_is_help=True, help="Devices that stream: enroll, list, revoke, replay.")

DataDir = Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")]


@app.command("enroll")
def enroll(
    name: Annotated[str, typer.Option(help="The device, for your own lists.")],
    client: Annotated[
        str | None, typer.Option(help="Whose its verdicts are: key:ID of an API key; else the device's own.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Enroll a device and print its key, this once: it is stored nowhere."""
    if not 0 < len(name) <= 64 or (client is not None and not 0 < len(client) <= 64):
        raise typer.BadParameter("1 to 64 characters", param_hint="--name, --client")
    typer.echo(_kiosks(data_dir).enroll(name, client))


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """Every device: id, name, state, and since when; never its key."""
    for entry in _kiosks(data_dir).entries():
        state = f"revoked {entry.revoked_at}" if entry.revoked_at else entry.state
        typer.echo(f"{entry.id}  {entry.name}  {state}  since {entry.created_at}  seen {entry.seen_at or 'never'}")


@app.command("revoke")
def revoke(kiosk: Annotated[str, typer.Argument(help="Its id, as listed.")], data_dir: DataDir = None) -> None:
    """End a device's key; one that is connected is cut off within seconds. Exit 1 when there is none in force."""
    done = _kiosks(data_dir).revoke(kiosk)
    typer.echo("revoked" if done else "there is none of this id in force")
    raise typer.Exit(0 if done else 1)


def _kiosks(data_dir: Path | None) -> Kiosks:
    from idproof.service.kept import kept

    store, _ = kept(data_dir)
    return Kiosks(store.database, store.seal)
