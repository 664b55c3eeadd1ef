"""`idproof key …`: the API keys of clients; `idproof keys …`: the service's own signing keys."""

from typing import Annotated

import typer

from idproof.service.cli.options import DataDir

app = typer.Typer(no_args_is_help=True, help="API keys of clients: create, list, revoke.")
signing_app = typer.Typer(no_args_is_help=True, help="The service's signing keys: list, rotate.")


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Name of the client, for your own lists.")],
    scope: Annotated[list[str], typer.Option(help="session:write, verify:write, verdict:read, metrics:read, admin.")],
    days: Annotated[float | None, typer.Option(min=0, help="Days after which the key expires.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Create a key and print it, only this once: the database holds its hash."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.auth.clients import Scope
    from idproof.service.operations.data_folder import open_database

    known = [entry.value for entry in Scope]
    if unknown := [word for word in scope if word not in known]:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(known)}", param_hint="--scope")
    if not 0 < len(name) <= 64:
        raise typer.BadParameter("1 to 64 characters", param_hint="--name")
    typer.echo(ApiKeys(open_database(data_dir)).create(name, [Scope(word) for word in scope], days))


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List every key: id, name, scopes, and how long it is valid; never the key itself."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.data_folder import open_database

    for entry in ApiKeys(open_database(data_dir)).entries():
        ends = f"revoked {entry.revoked_at}" if entry.revoked_at else f"until {entry.expires_at or 'revoked'}"
        typer.echo(f"{entry.id}  {entry.name}  {' '.join(entry.scopes)}  since {entry.created_at}  {ends}")


@app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="Id of the key, as listed.")], data_dir: DataDir = None) -> None:
    """Revoke a key at once. Exit 1 when no valid key has this id."""
    from idproof.service.auth.api_keys import ApiKeys
    from idproof.service.operations.data_folder import open_database

    done = ApiKeys(open_database(data_dir)).revoke(key_id)
    typer.echo("revoked" if done else "there is none of this id in force")
    raise typer.Exit(0 if done else 1)


@signing_app.command("rotate")
def rotate(data_dir: DataDir = None) -> None:
    """Replace the signing key; running services notice. The public half of the old key stays published."""
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.signing.keys import Keys

    typer.echo(f"signing with {Keys.rotate(load_settings(data_dir)).signing.kid}")


@signing_app.command("list")
def signing_list(data_dir: DataDir = None) -> None:
    """List the key that signs, and the retired keys whose signatures are still valid."""
    from idproof.service.operations.data_folder import load_settings
    from idproof.service.signing.keys import Keys

    keys = Keys.open(load_settings(data_dir))
    typer.echo(f"{keys.signing.kid}  signs")
    for key in keys.retired:
        typer.echo(f"{key.kid}  retired")
