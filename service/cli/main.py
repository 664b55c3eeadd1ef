"""The command line. Heavy parts are imported by the command that needs them, so that help is instant."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idproof.models.errors import IdproofError
from idproof.service.cli import cluster, keys, kiosk, outbox

EXIT = {"accept": 0, "refer": 10, "reject": 20}
BAD_INPUT = 2
INTERNAL = 70  # EX_SOFTWARE of sysexits.h

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Remote identity proofing: a card seen from three angles, a face, one signed verdict.",
)
models_app = typer.Typer(no_args_is_help=True, help="The networks' weights: list, fetch, check.")
specimen_app = typer.Typer(no_args_is_help=True, help="Specimens: test data, unmistakably.")
verdict_app = typer.Typer(no_args_is_help=True, help="Verdicts: check one offline, erase what is kept.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit log: check it, anchor it.")
app.add_typer(models_app, name="models")
app.add_typer(specimen_app, name="specimen")
app.add_typer(verdict_app, name="verdict")
app.add_typer(audit_app, name="audit")
app.add_typer(keys.app, name="key")
app.add_typer(outbox.app, name="outbox")
app.add_typer(cluster.app, name="cluster")
app.add_typer(kiosk.app, name="kiosk")
app.add_typer(keys.signing_app, name="keys")

Executor = Literal["in-process", "ray"]
Names = Literal["common", "covering"]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")]
Profile = Annotated[str, typer.Option(help="Profile of networks.")]
Manifest = Annotated[Path | None, typer.Option(help="Your own manifest of weights.")]


def main(argv: list[str] | None = None) -> NoReturn:
    """Run, and end with an exit code; a known error is one line on standard error, never a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        _add_bench(wanted=argv[:1] in (["bench"], ["capacity"]))
        typer.main.get_command(app).main(argv, prog_name="idproof")
    except IdproofError as error:
        _say(f"{error.code}: {error.sentence}")
        sys.exit(1 if error.code in ("signature_invalid", "audit_broken") else BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - the last line: an unknown error's text may hold a field's value
        from idproof.pipeline.vault.hardening import place

        _say(f"internal: unexpected {type(error).__name__} at {place(error.__traceback__)}")
        sys.exit(INTERNAL)
    sys.exit(0)


def _add_bench(*, wanted: bool) -> None:
    """The benchmarks' commands when one is asked for, else only their name, so that help shows it and stays quick."""
    if wanted:
        from idproof.benchmarks.cli import app as bench
        from idproof.benchmarks.cli import capacity

        app.add_typer(bench, name="bench")
        app.command("capacity")(capacity)
    else:
        app.command("bench", help="Measure the system.")(lambda: None)
        app.command("capacity", help="Machines for so many registrations an hour.")(lambda: None)


def _say(line: str) -> None:
    Console(stderr=True, soft_wrap=True).print(line, markup=False, highlight=False, emoji=False)


@app.command()
def verify(
    card: Annotated[list[Path], typer.Option(help="Three times: front, tilted left, tilted right.")],
    selfie: Annotated[Path, typer.Option(help="The applicant's face.")],
    profile: Profile = "open",
    json_: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Verify one registration. Exit 0 accept, 10 refer, 20 reject, 2 bad input."""
    from idproof.pipeline import Captures, Role, Verifier
    from idproof.pipeline.types import CARD_ROLES
    from idproof.pipeline.verdict import to_json

    if len(card) != len(CARD_ROLES):
        raise typer.BadParameter("give it three times: front, tilted left, tilted right", param_hint="--card")
    files = dict(zip([*CARD_ROLES, Role.SELFIE], [*card, selfie], strict=True))
    captures = Captures.from_parts({role.value: _read(path) for role, path in files.items()})
    verdict = Verifier.open(profile=profile).verify(captures)
    show(to_json(verdict), as_json=json_)
    raise typer.Exit(EXIT[verdict.decision.value])


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the keys and the database.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of networks.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes side by side.")] = 1,
    sandbox: Annotated[bool, typer.Option(help="Invented applicants with promised outcomes; verifies nobody.")] = False,
    executor: Annotated[Executor | None, typer.Option(help="Where pictures are examined.")] = None,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; without it one begins here.")] = None,
    replicas: Annotated[int | None, typer.Option(min=1, help="On a cluster that begins here.")] = None,
) -> None:
    """Serve the HTTP interface."""
    from idproof.service.operations import process
    from idproof.service.operations.server import run
    from idproof.service.operations.settings import Settings

    process.restart_hardened(sys.argv[1:])
    chosen: dict[str, Any] = {"data_dir": data_dir, "profile": profile, "sandbox": sandbox or None}
    chosen |= {"executor": executor, "ray_address": address, "replicas": replicas}
    settings = Settings.load(**{name: value for name, value in chosen.items() if value is not None})
    process.enforce_guards(settings)
    run(settings, host, port, workers)


@app.command()
def demo(
    portraits: Annotated[Path | None, typer.Option(help="Photographs of your own, Name/Name_0001.jpg.")] = None,
    seed: Annotated[int, typer.Option(help="Of the invented applicant.")] = 2,
) -> None:
    """One registration, verified by the real service; shows that no picture is left."""
    from idproof.service.cli.demonstration import run

    raise typer.Exit(run(portraits, seed))


@verdict_app.command("check")
def verdict_check(
    file: Annotated[Path, typer.Argument(help="A verdict: the JSON with its `jws`, or the bare JWS.")],
    jwks: Annotated[str | None, typer.Option(help="File or URL of the public keys.")] = None,
) -> None:
    """Check a verdict's signature, offline, and print its decision and deletion receipt. Exit 1 if it does not hold."""
    from idproof.service.signing.check import check_verdict

    claims = check_verdict(_read(file).decode("utf-8", errors="replace"), jwks)
    show(claims["verdict"], as_json=False)
    _plain().print(f"The signature holds. Issued by {claims['iss']}.", style="green")


@verdict_app.command("erase")
def verdict_erase(
    verdict_id: Annotated[str | None, typer.Option("--id", help="One verdict.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Erase one verdict by id, or all that is kept of one person by the card number, which is asked for."""
    from idproof.service.operations import retention
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, audit = open_verdicts_and_audit(data_dir)
    if verdict_id is not None:
        count = int(retention.erase(store, audit, verdict_id))
    else:
        # Not an argument: those stay in the shell's history and are seen by other users.
        count = retention.erase_person(store, audit, typer.prompt("Card number", hide_input=True, err=True))
    typer.echo(f"{count} erased")
    raise typer.Exit(0 if count else 1)


@verdict_app.command("expire")
def verdict_expire(data_dir: DataDir = None) -> None:
    """Erase what is older than the retention period now; the service does so by itself every hour."""
    from idproof.service.operations import retention
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.operations.settings import Settings

    typer.echo(f"{retention.expire(*open_verdicts_and_audit(data_dir), Settings.load().retention_days)} erased")


@audit_app.command("check")
def audit_check(
    head: Annotated[Path | None, typer.Option(help="A head that was kept elsewhere.")] = None, data_dir: DataDir = None
) -> None:
    """Read the whole audit log. Exit 1 when a line was changed, is missing, or the log was cut off."""
    from idproof.service.operations.data_folder import open_audit_log

    found = open_audit_log(data_dir).check(_read(head).decode() if head is not None else None)
    typer.echo(f"The audit log is whole: {found.count} events, the last with hash {found.digest}.")


@audit_app.command("head")
def audit_head(data_dir: DataDir = None) -> None:
    """Print the signed head, to keep it where nobody who can change the log can change it."""
    from idproof.service.operations.data_folder import open_audit_log

    typer.echo(open_audit_log(data_dir).signed_head())


@models_app.command("list")
def models_list(
    profile: Annotated[str | None, typer.Option(help="One profile only.")] = None, manifest: Manifest = None
) -> None:
    """Profiles and their weights: licence, full SHA-256, and whether each is here."""
    from idproof.models import manifest as manifests
    from idproof.models import store

    known = manifests.load(manifest)
    for entry in [known.profile(profile)] if profile else known.profiles.values():
        typer.echo(f"{entry.name}: {entry.about}")
        for found in store.list_weights(entry):
            typer.echo(f"  {found.state.value:8}{found.weight.file}  ({found.weight.licence})")
            typer.echo(f"  {'':8}{found.weight.sha256}")


@models_app.command("fetch")
def models_fetch(
    profile: Profile = "open",
    manifest: Manifest = None,
    quiet: Annotated[bool, typer.Option(help="Say only what was brought.")] = False,
) -> None:
    """Bring a profile's weights into the cache; the only command that does."""
    from idproof.models import manifest as manifests
    from idproof.models import store

    chosen = manifests.load(manifest).profile(profile)

    def tell(weight: manifests.Weight, brought: bool) -> None:
        if brought or not quiet:
            typer.echo(f"{weight.file}: {'fetched' if brought else 'already here'} ({weight.licence})", err=True)

    store.fetch(chosen, progress=tell)


@models_app.command("check")
def models_check(profile: Profile = "open", manifest: Manifest = None) -> None:
    """Hash every weight of a profile. Exit 1 unless all can be used."""
    from idproof.models import manifest as manifests
    from idproof.models import store

    found = store.list_weights(manifests.load(manifest).profile(profile))
    for entry in found:
        typer.echo(f"{entry.state:8} {entry.weight.file} {entry.weight.sha256}")
    raise typer.Exit(0 if all(entry.state is store.WeightState.READY for entry in found) else 1)


@specimen_app.command("make")
def specimen_make(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    count: Annotated[int, typer.Option(min=1, help="How many registrations.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    portraits: Annotated[Path | None, typer.Option(help="Folder or zip of photographs, Name/Name_0001.jpg.")] = None,
    attack: Annotated[str | None, typer.Option(help="Render this attack instead of bona fide registrations.")] = None,
    names: Annotated[
        Names, typer.Option(help="Names as people have them, or dealt so that characters differ.")
    ] = "common",
    split: Annotated[
        str, typer.Option(help="any, tuning or test: people, artworks, cameras, light and attacks of one alone.")
    ] = "any",
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 1,
    executor: Annotated[Executor, typer.Option(help="Where they are rendered: ray for a cluster.")] = "in-process",
    address: Annotated[str | None, typer.Option(help="Of the cluster; without it one begins here.")] = None,
    resume: Annotated[bool, typer.Option(help="Keep what a stopped run with the same options wrote whole.")] = False,
) -> None:
    """Render registrations of invented people in the set.json format."""
    from rich.progress import Progress

    from idproof.datasets.specimen import Split, make_sets
    from idproof.pipeline.executors.task_runner import TaskRunner

    if split not in list(Split):
        raise typer.BadParameter("any, tuning or test", param_hint="--split")
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("specimens", total=count)

        def advance(done: int, _: int) -> None:
            bar.update(task, completed=done)

        runner = TaskRunner(workers, executor, address)
        chosen: dict[str, Any] = {"names": names, "split": Split(split), "runner": runner, "resume": resume}
        make_sets(out, count, seed, portraits, attack, advance, **chosen)


@specimen_app.command("art")
def specimen_art(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the artwork.")] = 0,
) -> None:
    """Write the flat layers of an artwork: base, template, masks, boxes."""
    from idproof.datasets.specimen import write_art

    for path in write_art(out, seed):
        typer.echo(path)


@specimen_app.command("sheet")
def specimen_sheet(
    sets: Annotated[Path, typer.Option(help="Folder of registrations.")],
    out: Annotated[Path, typer.Option(help="Picture to write.")],
) -> None:
    """A contact sheet of registrations, to look at."""
    from idproof.datasets.sets import read_sets
    from idproof.datasets.specimen import contact_sheet

    contact_sheet(read_sets(sets), out)


def show(verdict: dict[str, Any], *, as_json: bool) -> None:
    """A verdict for a person or for a program."""
    if as_json:
        typer.echo(json.dumps(verdict, ensure_ascii=False, indent=2))
        return
    console = _plain()
    colour = {"accept": "green", "refer": "yellow", "reject": "red"}[verdict["decision"]]
    rest = f" {', '.join(verdict['reasons'])}  {verdict['id']}"
    console.print(Text.assemble((verdict["decision"].upper(), f"bold {colour}"), rest))
    table = Table("check", "outcome", "value", "limit", "unit")
    for check in verdict["checks"]:
        outcome = check["outcome"] or "could not assess"
        table.add_row(check["name"], outcome, _number(check["value"]), _number(check["limit"]), check["unit"])
    console.print(table)
    if verdict.get("fields"):
        fields = Table("field", "as printed", "confidence")
        for name, reading in verdict["fields"].items():
            fields.add_row(name, reading["text"] or "–", _number(reading["confidence"]))
        console.print(fields)
    receipt = verdict["deletion"]
    console.print(f"Not performed under {verdict['policy']}: {', '.join(verdict['not_performed'])}.")
    held = Table("deleted", "of", "count", "bytes", "wiped at")
    for entry in receipt["wiped"]:
        roles = ", ".join(entry.get("roles", ()))
        held.add_row(entry["kind"], roles, str(entry["count"]), str(entry["bytes"]), entry["wiped_at"])
    console.print(held)
    console.print(f"Deleted how: {receipt['mechanism']}; still held: {receipt['outstanding']}.")
    console.print(f"Guards in force: {', '.join(receipt['guards']) or 'none'}.")


def _plain() -> Console:
    """What was read from a card is printed as it is: brackets and colons in it are no markup."""
    return Console(soft_wrap=True, markup=False, emoji=False)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise typer.BadParameter(f"{path.name} cannot be read") from None
