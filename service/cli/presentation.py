"""`idproof presentation …`: consent receipts of presentations."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.cli.options import DataDir, Json, Sandbox
from idproof.service.cli.output import print_json, read_file

app = typer.Typer(no_args_is_help=True, help="Presentations: list, show, check and erase consent receipts.")
_ReceiptId = Annotated[str, typer.Argument(help="Id of the receipt, `rcp_…`.")]


@app.command("receipts")
def receipts(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Number of receipts, newest first.")] = 20,
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
    json: Json = False,
) -> None:
    """List consent receipts: time, client, claims and purpose of each."""
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.presentations.receipts import read_receipt
    from idproof.service.presentations.store import ReceiptStore

    store, _ = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    found = [(each, read_receipt(each.token)) for each in ReceiptStore(store.database, store.seal).latest(count)]
    if json:
        print_json({"receipts": [{"id": each.id, "made_at": each.made_at, "claims": claims} for each, claims in found]})
        return
    for each, claims in found:
        asked, purpose = ", ".join(claims["claims"]), claims["purpose"]["en"]
        typer.echo(f"{each.id}  {each.made_at}  {each.client}  {asked}  {purpose}")


@app.command("receipt")
def receipt(receipt_id: _ReceiptId, data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Print one signed consent receipt. Exit 1 if there is none."""
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.presentations.store import ReceiptStore

    store, _ = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    found = ReceiptStore(store.database, store.seal).find(receipt_id)
    typer.echo("there is no such receipt" if found is None else found.token)
    raise typer.Exit(1 if found is None else 0)


@app.command("check-receipt")
def check_receipt(
    file: Annotated[Path, typer.Argument(help="A signed consent receipt.")],
    root: Annotated[Path, typer.Option(help="File (PEM) of the roots of verifiers that you trust.")],
) -> None:
    """Check a consent receipt offline and print its content. Exit 1 if a check fails."""
    from datetime import UTC, datetime

    from idproof.service.credentials.certificates import Trust
    from idproof.service.presentations import receipts as consent_receipts

    text = read_file(file).decode("utf-8", errors="replace")
    print_json(consent_receipts.check_receipt(text, Trust.load(root), datetime.now(UTC)))


@app.command("erase")
def erase(receipt_id: _ReceiptId, data_dir: DataDir = None, sandbox: Sandbox = False) -> None:
    """Erase one consent receipt. Exit 1 if there is none."""
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit
    from idproof.service.presentations.store import ReceiptStore

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    with store.database.write() as connection:
        erased = ReceiptStore(store.database, store.seal).erase(connection, receipt_id)
        if erased:
            audit.append("presentation_erased", id=receipt_id, receipt=True, by=operator())
    store.database.scrub()
    typer.echo(f"{int(erased)} erased")
    raise typer.Exit(0 if erased else 1)
