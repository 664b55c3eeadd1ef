"""`idproof passkey …`: passkeys that are bound to verdicts."""

from typing import Annotated

import typer

from idproof.service.cli.options import DataDir, Sandbox

app = typer.Typer(
    no_args_is_help=True, help="Passkeys that are bound to verdicts: list, revoke, destroy their face templates."
)


@app.command("list")
def list_(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List passkeys, oldest first: id, verdict, state, times. Nothing about a person."""
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.passkeys.store import Passkeys

    store, _ = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    for entry in Passkeys(store.database, store.seal).entries():
        used = entry.used_at or "never used"
        typer.echo(f"{entry.id}  {entry.verification}  {entry.state}  {entry.created_at}  {used}")


@app.command("revoke")
def revoke(
    passkey: Annotated[str, typer.Argument(help="Id of the passkey.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke a passkey at once for every server; the identity core is told. Exit 1 when none of this id is in force."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.passkeys.erasure import BoundPasskeys

    done = BoundPasskeys(*open_verdicts_and_audit(data_dir, sandbox=sandbox)).revoke(passkey, None, operator())
    typer.echo("revoked" if done else "no passkey of this id is in force")
    raise typer.Exit(0 if done else 1)


@app.command("destroy-face-template")
def destroy_face_template(
    passkey: Annotated[str | None, typer.Argument(help="Id of the passkey.")] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
    every: Annotated[bool, typer.Option("--all", help="Destroy every template, to keep none any more.")] = False,
) -> None:
    """Destroy the face template that a passkey opens; the passkey stays. Exit 1 when there is none."""
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.passkeys.erasure import BoundPasskeys

    if every == (passkey is not None):
        raise typer.BadParameter("Name a passkey, or give --all.")
    bound = BoundPasskeys(*open_verdicts_and_audit(data_dir, sandbox=sandbox))
    done = bound.destroy_all_templates() if passkey is None else int(bound.destroy_template(passkey))
    typer.echo(f"destroyed {done}" if done else "no face template")
    raise typer.Exit(0 if done else 1)
