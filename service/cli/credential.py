"""`idproof credential …`: check a credential or a presentation offline, revoke what was issued."""

from pathlib import Path
from typing import Annotated, Any

import typer

from idproof.service.cli.options import DataDir, Json, Sandbox
from idproof.service.cli.output import print_json, read_file

app = typer.Typer(no_args_is_help=True, help="Credentials for wallets: check one offline, revoke.")
_SHA256_BYTES = 32


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A credential or a presentation: SD-JWT VC, or base64url of an mdoc.")],
    root: Annotated[Path, typer.Option(help="File (PEM) of the roots of issuers that you trust.")],
    status: Annotated[
        str | None, typer.Option(help="File or URL of the status list that the credential names.")
    ] = None,
    without_status: Annotated[bool, typer.Option(help="Accept it although it may be revoked.")] = False,
    nonce: Annotated[str | None, typer.Option(help="Nonce of the request that a presentation answers.")] = None,
    audience: Annotated[str | None, typer.Option(help="Client identifier of the verifier, with its prefix.")] = None,
    response_uri: Annotated[
        str | None, typer.Option(help="Of the request; a presentation of an mdoc names it.")
    ] = None,
    key_thumbprint: Annotated[
        str | None, typer.Option(help="SHA-256 (base64url) of the key that the response was encrypted to, for an mdoc.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a credential, or with --nonce and --audience a presentation. Exit 1 with one sentence if a check fails.

    Text names the claims that are disclosed; --json also has their values.
    """
    from datetime import UTC, datetime

    from idproof.service.credentials import offline
    from idproof.service.credentials.certificates import Trust

    if (status is None) is not without_status:
        raise typer.BadParameter("Name the status list with --status, or accept a revoked one with --without-status.")
    asked = _audience(nonce, audience, response_uri, key_thumbprint)
    trust, now = Trust.load(root), datetime.now(UTC)
    found = offline.check(read_file(file).decode("utf-8", errors="replace").strip(), trust, now, asked)
    if status is not None:
        offline.require_status(found, status, trust, now)
    if json:
        body = {"format": found.format.value, "issuer": found.issuer, "claims": found.claims, "bound": found.bound}
        body |= {"valid_from": found.validity.begin.isoformat(), "valid_until": found.validity.end.isoformat()}
        print_json(body | {"status": "not checked" if status is None else "valid"})
        return
    what = "presentation" if found.bound else "credential"
    typer.echo(f"The {what} is valid ({found.format.value}). Issued by {found.issuer}.")
    typer.echo(f"Valid until {found.validity.end.date()}. Discloses: {', '.join(sorted(found.claims)) or 'nothing'}.")
    typer.echo("Revocation was not checked." if status is None else "It is not revoked.")


@app.command("revoke")
def revoke(
    verification: Annotated[str, typer.Argument(help="Id of the verdict whose credentials end, `ver_…`.")],
    data_dir: DataDir = None,
    sandbox: Sandbox = False,
) -> None:
    """Revoke every copy of a registration's credentials; this cannot be undone. Exit 1 when none is known."""
    from idproof.service.credentials.revocation import revoke_credentials
    from idproof.service.operations.actors import operator
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, audit = open_verdicts_and_audit(data_dir, sandbox=sandbox)
    revoked = revoke_credentials(store.database, audit, verification, by=operator())
    typer.echo("no credential of this registration is known" if revoked is None else f"{revoked} copies revoked")
    raise typer.Exit(1 if revoked is None else 0)


def _audience(nonce: str | None, client: str | None, response_uri: str | None, thumbprint: str | None) -> Any:
    """Returns the request that a presentation answers, or None for a credential at rest."""
    from idproof.service.credentials.credential import Audience
    from idproof.service.credentials.encoding import from_base64url
    from idproof.service.errors import CredentialRefused

    if nonce is None and client is None and response_uri is None and thumbprint is None:
        return None
    if nonce is None or client is None:
        raise typer.BadParameter("A presentation is checked with --nonce and --audience, which belong together.")
    try:
        key = None if thumbprint is None else from_base64url(thumbprint)
    except CredentialRefused:
        key = b""
    if key is not None and len(key) != _SHA256_BYTES:
        raise typer.BadParameter("--key-thumbprint is the base64url of 32 bytes.")
    return Audience(client, nonce, response_uri or "", key)
