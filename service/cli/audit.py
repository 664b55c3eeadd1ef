"""`idproof audit …`: check the audit log, show its events, print its signed head."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from idproof.service.cli.options import DataDir, Sandbox
from idproof.service.cli.output import read_file

app = typer.Typer(no_args_is_help=True, help="The audit log: check it, show its events, print its signed head.")


@app.command("check")
def check(
    head: Annotated[Path | None, typer.Option(help="File of a signed head that was kept elsewhere.")] = None,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Read the whole audit log. Exit 1 when a line was changed or is missing, or the log was cut off."""
    from idproof.service.operations.data_folder import open_audit_log

    found = open_audit_log(data_dir, sandbox=sandbox).check(read_file(head).decode() if head is not None else None)
    typer.echo(f"The audit log is whole: {found.count} events, the last with hash {found.digest}.")


@app.command("head")
def head(data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Print the signed head. Keep it where nobody who can change the log can change the copy."""
    from idproof.service.operations.data_folder import open_audit_log

    typer.echo(open_audit_log(data_dir, sandbox=sandbox).signed_head())


@app.command("show")
def show(
    event: Annotated[list[str] | None, typer.Option(help="Only these events, such as verdict_read.")] = None,
    actor: Annotated[
        str | None, typer.Option("--by", help="Only events of this actor: id of a client, or operator:NAME.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Only events that name this id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only events from this time on, in UTC.")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="Only events with an actor: those that a person caused.")
    ] = False,
    last: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 100,
    json_: Annotated[bool, typer.Option("--json", help="Print each as the JSON object that the log holds.")] = False,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Check the audit log and show its events, oldest first: number, time, event, actor, and what it is about."""
    import json

    from idproof.service.operations.audit import EVENTS
    from idproof.service.operations.data_folder import open_audit_log

    if unknown := sorted(set(event or ()) - set(EVENTS)):
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(EVENTS)}", param_hint="--event")
    begin = "" if since is None else since.isoformat()

    def wanted(entry: dict[str, Any]) -> bool:
        subject = entry["about"]
        return (
            (not event or entry["event"] in event)
            and (actor is None or subject.get("by") == actor)
            and (about is None or about in subject.values())
            and entry["at"] >= begin
            and (not people or "by" in subject)
        )

    for entry in [entry for entry in open_audit_log(data_dir, sandbox=sandbox).entries() if wanted(entry)][-last:]:
        subject = entry["about"]
        rest = " ".join(f"{name}={_plain(value)}" for name, value in subject.items() if name != "by")
        line = f"{entry['n']}  {entry['at']}  {entry['event']}  {subject.get('by', '-')}  {rest}"
        typer.echo(json.dumps(entry) if json_ else line.rstrip())


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
