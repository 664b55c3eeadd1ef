"""`idproof key …` and `idproof client …`: clients and their API keys; `idproof keys …`: the service's signing keys."""

from typing import Annotated

import typer

from idproof.service.cli.options import DataDir, Sandbox

app = typer.Typer(no_args_is_help=True, help="API keys of clients: create, list, revoke.")
client_app = typer.Typer(no_args_is_help=True, help="Clients that have API keys: list, merge.")
signing_app = typer.Typer(no_args_is_help=True, help="The service's signing and sealing keys.")


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Name of the client; an existing client gets a further key.")],
    scope: Annotated[list[str], typer.Option(help="session:write, verify:write, verdict:read, metrics:read, …")],
    days: Annotated[float | None, typer.Option(min=0, help="Days after which the key expires.")] = None,
    client: Annotated[
        str | None, typer.Option(help="Id or name of an existing client; --name then names only the key.")
    ] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Create a key and print it, only this once: the database holds its hash."""
    from idproof.service.auth.api_keys import ApiKeys, MadeKey
    from idproof.service.auth.clients import Scope
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    known = [entry.value for entry in Scope]
    if unknown := [word for word in scope if word not in known]:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(known)}", param_hint="--scope")
    if not 0 < len(name) <= 64:
        raise typer.BadParameter("1 to 64 characters", param_hint="--name")
    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    keys = ApiKeys(store.database)

    def record(made: MadeKey) -> None:
        if made.client_name is not None:
            audit.append("client_created", client=made.client, by=operator())
        audit.append("api_key_created", key=made.id, client=made.client, scopes=list(made.scopes), by=operator())

    try:
        made = keys.create(name, [Scope(word) for word in scope], days, client, record)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--name" if client is None else "--client") from None
    typer.echo(made)
    found = keys.find(made)
    for entry in keys.clients():
        if found is not None and entry.id == found.id and entry.keys > 1:
            typer.echo(f"client {entry.name} ({entry.id}) now has {entry.keys} keys in force", err=True)


@app.command("list")
def list_(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List every key: id, name, scopes, how long it is valid, and its client; never the key itself."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.data_folder import open_database

    for entry in ApiKeys(open_database(data_dir, sandbox=sandbox)).entries():
        ends = f"revoked {entry.revoked_at}" if entry.revoked_at else f"until {entry.expires_at or 'revoked'}"
        line = f"{entry.id}  {entry.name}  {' '.join(entry.scopes)}  since {entry.created_at}  {ends}"
        typer.echo(f"{line}  of {entry.client}")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as listed, with or without `idp_`.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke a key at once. Exit 1 when no valid key has this id."""
    from functools import partial

    from idproof.service.auth.api_keys import PREFIX, ApiKeys
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    plain_id = key_id.removeprefix(PREFIX)
    record = partial(audit.append, "api_key_revoked", key=plain_id, by=operator())
    done = ApiKeys(store.database).revoke(plain_id, record)
    typer.echo("revoked" if done else "no valid key has this id")
    raise typer.Exit(0 if done else 1)


@client_app.command("list")
def client_list(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List every client that has API keys: id, name, and the number of keys in force."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.data_folder import open_database

    for entry in ApiKeys(open_database(data_dir, sandbox=sandbox)).clients():
        typer.echo(f"{entry.id}  {entry.name}  {entry.keys} keys  since {entry.created_at}")


@client_app.command("merge")
def client_merge(
    source: Annotated[str, typer.Argument(help="Client that ceases to exist: id or name.")],
    target: Annotated[str, typer.Argument(help="Client that gets its keys, verdicts and devices: id or name.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Join a client to another. The keys of both then read the verdicts of both; this cannot be undone."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    keys = ApiKeys(store.database)
    try:
        source, target = keys.resolve(source), keys.resolve(target)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    keys.merge(source, target)
    audit.append("clients_merged", source=source, target=target, by=operator())
    typer.echo(f"{source} is now {target}")


@signing_app.command("rotate")
def rotate(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Replace the signing key; running services notice. The public half of the old key stays published."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.audit import AuditLog
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.signing.keys import Keys

    settings = load_settings(data_dir, sandbox=sandbox)
    keys = Keys.rotate(settings)
    AuditLog.open(settings, keys).append("signing_key_rotated", kid=keys.signing.kid, by=operator())
    typer.echo(f"signing with {keys.signing.kid}")


@signing_app.command("rotate-sealing")
def rotate_sealing(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Add a sealing key; running services seal with it at once, and older keys still open. Back it up, too."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import load_settings, open_audit_log
    from idproof.service.signing.keys import Keys

    keys = Keys.rotate_sealing(load_settings(data_dir, sandbox=sandbox))
    audit = open_audit_log(data_dir, sandbox=sandbox)
    audit.append("sealing_key_rotated", keys=1 + len(keys.newer_sealing), by=operator())
    typer.echo(f"sealing with key {1 + len(keys.newer_sealing)}; seal older rows anew with idproof keys reseal")


@signing_app.command("reseal")
def reseal(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Seal every row with the newest sealing key, then remove the keys between it and the first. May be repeated."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.audit import AuditLog
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.signing.keys import Keys
    from idproof.service.storage import VerdictStore
    from idproof.service.storage.resealing import reseal_all

    settings = load_settings(data_dir, sandbox=sandbox)
    with Keys.sealing_locked(settings) as keys:
        audit = AuditLog.open(settings, keys)
        rows = reseal_all(VerdictStore.open(settings, keys.sealing, lambda: keys.newer_sealing))
        left = Keys.drop_superseded(settings, keys.newest_sealing)
    audit.append("rows_resealed", rows=rows, by=operator())
    typer.echo(f"{rows} rows sealed anew")
    if left:
        note = "the newest key is less than a minute old, or was added meanwhile"
        typer.echo(f"{note}: run this again to remove the superseded ones", err=True)


@signing_app.command("list")
def signing_list(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List the key that signs, the retired keys whose signatures are still valid, and the revoked ones."""
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.signing.keys import Keys

    keys = Keys.open(load_settings(data_dir, sandbox=sandbox))
    typer.echo(f"{keys.signing.kid}  signs")
    for key in keys.retired:
        typer.echo(f"{key.kid}  retired")
    for kid, revoked_at in keys.revoked.items():
        typer.echo(f"{kid}  revoked {revoked_at}")


@signing_app.command("revoke")
def signing_revoke(
    kid: Annotated[str, typer.Argument(help="Id of the key, as listed; the key that signs is replaced first.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke a signing key that somebody else may have: its signatures no longer hold. This cannot be undone."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.operations.revocation import revoke_signing_key

    left = revoke_signing_key(load_settings(data_dir, sandbox=sandbox), kid, by=operator())
    typer.echo(f"revoked; signing with {left.signing.kid}")
