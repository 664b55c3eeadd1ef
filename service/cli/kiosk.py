"""`idproof kiosk …`: devices that stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idproof.service.cli.options import DataDir, Sandbox

if TYPE_CHECKING:
    from idproof.service.operations.audit import AuditLog
    from idproof.service.storage.kiosks import Kiosks

app = typer.Typer(no_args_is_help=True, help="Devices that stream: enroll, list, revoke, attest, permit, replay.")


@app.command("enroll")
def enroll(
    name: Annotated[str, typer.Option(help="Name of the device, for your own lists.")],
    client: Annotated[
        str | None,
        typer.Option(help="Client that owns its verdicts: name, id, or key:ID of an API key; without it, the device."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Number of devices: NAME 1, NAME 2 and so on.")] = 1,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Enroll a device and print its key, only this once: it is stored nowhere."""
    from idproof.service.operations.actors import operator

    if not 0 < len(name) <= 58 or (client is not None and not 0 < len(client) <= 64):
        raise typer.BadParameter("1 to 58 characters", param_hint="--name, --client")
    devices, audit = _kiosks(data_dir, sandbox)
    owner = None if client is None else _owner(client, data_dir, sandbox)

    def record(device: str, owned_by: str) -> None:
        audit.append("device_enrolled", device=device, client=owned_by, by=operator())

    for index in range(count):
        typer.echo(devices.enroll(name if count == 1 else f"{name} {index + 1}", owner, record))


@app.command("list")
def list_(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List every device: id, name, state and times; never its key."""
    devices, _ = _kiosks(data_dir, sandbox)
    for entry in devices.entries():
        state = f"revoked {entry.revoked_at}" if entry.revoked_at else entry.state
        typer.echo(f"{entry.id}  {entry.name}  {state}  since {entry.created_at}  seen {entry.seen_at or 'never'}")


@app.command("revoke")
def revoke(
    kiosk: Annotated[str, typer.Argument(help="Id of the device, as listed.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke a device's key; a connected device is cut off within seconds. Exit 1 when no valid device has this id."""
    from functools import partial

    from idproof.service.operations.actors import operator

    devices, audit = _kiosks(data_dir, sandbox)
    done = devices.revoke(kiosk, partial(audit.append, "device_revoked", device=kiosk, by=operator()))
    typer.echo("revoked" if done else "there is none of this id in force")
    raise typer.Exit(0 if done else 1)


@app.command("attest")
def attest(
    kiosk: Annotated[str, typer.Argument(help="Id of the device, as listed.")],
    statement: Annotated[
        Path | None, typer.Option(help="File with the device's statement (RegistrationResponseJSON of WebAuthn).")
    ] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Enroll a device's hardware key: print the challenge for it, or take the statement that answers it.

    From then on every session of the device must be signed by that key, and its verdicts have the level attested. Exit
    1 when no valid device has this id.
    """
    import json

    from idproof.service.attestation.statements import Attestation
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import load_settings, open_verdicts_and_audit
    from idproof.service.registrations import attestations
    from idproof.service.storage.attested_keys import AttestedKeys
    from idproof.service.storage.kiosks import Kiosks
    from idproof.service.stream.messages import base64

    settings = load_settings(data_dir, sandbox=sandbox)
    attestation = Attestation.open(settings.attestation_origin, settings.attestation_roots)
    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    if Kiosks(store.database, store.seal).find(kiosk) is None:
        typer.echo("there is none of this id in force", err=True)
        raise typer.Exit(1)
    keys = AttestedKeys(store.database, store.seal)
    if statement is None:
        challenge = base64(keys.challenges(kiosk)[0])
        typer.echo(json.dumps({"challenge": challenge, "rp": attestation.party, "origin": attestation.origin}))
        return
    key = attestations.enroll(keys, audit, attestation, kiosk, statement.read_text(encoding="utf-8"), by=operator())
    typer.echo(f"attested by {key.format}")


@app.command("permit")
def permit(
    device: Annotated[str, typer.Option(help="Id of the device, as listed.")],
    options: Annotated[
        str,
        typer.Option(
            help="Granted options, with commas: cannot_turn, cannot_nod, cannot_approach, photosensitive, "
            "cannot_blink, cannot_open_mouth."
        ),
    ],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Grant the applicant at a device a challenge that asks for less; print the code for the kiosk's page.

    The code works once, for a quarter of an hour (IDPROOF_PERMIT_S), at this device. Exit 1 when no valid device has
    this id.
    """
    from idproof.pipeline.liveness.challenge import GRANTABLE
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import load_settings, open_verdicts_and_audit
    from idproof.service.registrations import permits
    from idproof.service.storage.kiosks import Kiosks
    from idproof.service.storage.permits import Permits, device_holder

    names = [name.strip() for name in options.split(",")]
    if not set(names) <= set(GRANTABLE):
        raise typer.BadParameter(f"options are among {', '.join(GRANTABLE)}", param_hint="--options")
    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    if Kiosks(store.database, store.seal).find(device) is None:
        typer.echo("there is none of this id in force", err=True)
        raise typer.Exit(1)
    known, lifetime_s = Permits(store.database, store.seal), load_settings(data_dir, sandbox=sandbox).permit_s
    code, granted = permits.grant(known, audit, device_holder(device), names, by=operator(), lifetime_s=lifetime_s)
    typer.echo(code)
    typer.echo(f"once, until {granted.expires_at}: {', '.join(granted.options)}", err=True)


@app.command("replay")
def replay(
    sets: Annotated[Path, typer.Option(help="Folder of specimens in the set.json format.")],
    url: Annotated[str, typer.Option(help="URL of the service.")] = "http://127.0.0.1:8000",
    keys: Annotated[
        Path | None, typer.Option(help="File with one device key per line; without it, standard input.")
    ] = None,
    portraits: Annotated[
        Path | None, typer.Option(help="Photographs that the sets were made with, unless bundled.")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="Attack the challenge with this PAI species: print_flat, screen_photo, …")
    ] = None,
    registration: Annotated[
        str | None,
        typer.Option(help="Id of an open registration of the device's client; each specimen is one attempt of it."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Load test: all devices at once for this many seconds.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames per second of each device in a load test.")] = 10.0,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Stream specimens to the service as devices without screens do; print one line per specimen.

    Keys are read from a file or standard input, never from an argument, since other users see arguments.
    """
    import asyncio
    import json
    import sys

    from idproof.service.stream.simulator import player
    from idproof.service.stream.simulator import replay as replaying

    if registration is not None and seconds is not None:
        raise typer.BadParameter("a load test verifies nothing", param_hint="--registration, --seconds")
    device_keys = (keys.read_text(encoding="utf-8") if keys is not None else sys.stdin.read()).split()
    if not device_keys:
        raise typer.BadParameter("give the key that `idproof kiosk enroll` printed", param_hint="--keys")
    cameras = player.cameras(sets, portraits, species)

    def report(session: str, last: dict[str, Any]) -> None:
        typer.echo(
            f"{session}  {last.get('decision') or last.get('code')}  {' '.join(last.get('reasons', ()))}", err=json_
        )

    if seconds is None:
        result = asyncio.run(replaying.replay_registrations(url, device_keys[0], cameras, report, registration))
    else:
        result = asyncio.run(replaying.replay_load(url, device_keys, cameras, rate=rate, seconds=seconds))
    if json_:
        typer.echo(json.dumps(result.to_json()))


def _kiosks(data_dir: Path | None, sandbox: bool) -> "tuple[Kiosks, AuditLog]":
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.storage.kiosks import Kiosks

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    return Kiosks(store.database, store.seal), audit


def _owner(client: str, data_dir: Path | None, sandbox: bool) -> str:
    """Returns the id of a client; one that authenticates by OAuth is known by its id alone."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.data_folder import open_database

    if client.startswith(("oauth:", "oauth-sha256:")):
        return client
    try:
        return ApiKeys(open_database(data_dir, sandbox=sandbox)).resolve(client)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--client") from None
