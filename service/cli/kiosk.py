"""`idproof kiosk …`: devices that stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from idproof.service.storage.kiosks import Kiosks

app = typer.Typer(no_args_is_help=True, help="Devices that stream: enroll, list, revoke, replay.")

DataDir = Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")]


@app.command("enroll")
def enroll(
    name: Annotated[str, typer.Option(help="The device, for your own lists.")],
    client: Annotated[
        str | None, typer.Option(help="Whose its verdicts are: key:ID of an API key; else the device's own.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="So many devices: NAME 1, NAME 2 and so on.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Enroll a device and print its key, this once: it is stored nowhere."""
    if not 0 < len(name) <= 58 or (client is not None and not 0 < len(client) <= 64):
        raise typer.BadParameter("1 to 58 characters", param_hint="--name, --client")
    devices = _kiosks(data_dir)
    for place in range(count):
        typer.echo(devices.enroll(name if count == 1 else f"{name} {place + 1}", client))


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


@app.command("replay")
def replay(
    sets: Annotated[Path, typer.Option(help="Folder of specimens in the set.json format.")],
    url: Annotated[str, typer.Option(help="Of the service.")] = "http://127.0.0.1:8000",
    keys: Annotated[Path | None, typer.Option(help="File with a device's key a line; else standard input.")] = None,
    portraits: Annotated[
        Path | None, typer.Option(help="Photographs that the sets were made with, if not bundled.")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="Attack the challenge instead: print_flat, screen_photo, …")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Load: all devices at once for so long.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames a second of each device under load.")] = 10.0,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Drive the protocol from specimens as devices without screens do; a line for each registration.

    Keys are read from a file or standard input, never from an argument: other users see those.
    """
    import asyncio
    import json
    import sys

    from idproof.service.stream.simulator import player
    from idproof.service.stream.simulator import replay as playing

    lines = (keys.read_text(encoding="utf-8") if keys is not None else sys.stdin.read()).split()
    if not lines:
        raise typer.BadParameter("give the key that `idproof kiosk enroll` printed", param_hint="--keys")
    cameras = player.cameras(sets, portraits, species)

    def tell(session: str, last: dict[str, Any]) -> None:
        typer.echo(
            f"{session}  {last.get('decision') or last.get('code')}  {' '.join(last.get('reasons', ()))}", err=json_
        )

    if seconds is None:
        played = asyncio.run(playing.registrations(url, lines[0], cameras, tell))
    else:
        played = asyncio.run(playing.load(url, lines, cameras, rate=rate, seconds=seconds))
    if json_:
        typer.echo(json.dumps(played.to_json()))


def _kiosks(data_dir: Path | None) -> "Kiosks":
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.storage.kiosks import Kiosks

    store, _ = open_verdicts_and_audit(data_dir)
    return Kiosks(store.database, store.seal)
