"""`idproof reviewer …`: officers who review referred registrations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idproof.service.cli.options import DataDir, Sandbox

if TYPE_CHECKING:
    from idproof.service.reviews.reviewers import Reviewers

app = typer.Typer(no_args_is_help=True, help="Officers who review: list, confirm, revoke.")


@app.command("list")
def list_(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """List every enrolment: id, officer, client, state, time, and the fingerprint of the browser's key."""
    for each in _reviewers(data_dir, sandbox).entries():
        mark = each.fingerprint or "no key"
        typer.echo(f"{each.id}  {each.officer}  of {each.client}  {each.state}  since {each.created_at}  {mark}")


@app.command("confirm")
def confirm(
    reviewer: Annotated[str, typer.Argument(help="Id of the enrolment, as listed.")],
    fingerprint: Annotated[
        str | None,
        typer.Option(help="As the officer's own screen shows it. Leave it out only for an enrolment without a key."),
    ] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Confirm an officer's enrolment, which ends an earlier one of the same officer."""
    from idproof.service.operations.actors import operator

    confirmed = _reviewers(data_dir, sandbox).confirm(reviewer, fingerprint, operator())
    typer.echo(f"{confirmed.officer} reviews from now on")


@app.command("revoke")
def revoke(
    reviewer: Annotated[str, typer.Argument(help="Id of the enrolment, as listed.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke an enrolment at once. Exit 1 when none of this id is in force."""
    from idproof.service.operations.actors import operator

    done = _reviewers(data_dir, sandbox).revoke(reviewer, operator())
    typer.echo("revoked" if done else "there is none of this id in force")
    raise typer.Exit(0 if done else 1)


def _reviewers(data_dir: Path | None, sandbox: bool) -> "Reviewers":
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.reviews.reviewers import Reviewers

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    return Reviewers(store.database, store.seal, audit)
