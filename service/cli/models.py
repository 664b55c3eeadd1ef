"""`idproof models …`: the networks' weights."""

from typing import Annotated

import typer

from idproof.service.cli.options import Manifest, Profile

app = typer.Typer(no_args_is_help=True, help="The networks' weights: list, fetch, check.")


@app.command("list")
def list_(
    profile: Annotated[str | None, typer.Option(help="One profile only.")] = None, manifest: Manifest = None
) -> None:
    """List profiles and their weights: licence, full SHA-256, and whether each is in the cache."""
    from idproof.models import manifest as manifests
    from idproof.models import store

    known = manifests.load(manifest)
    for entry in [known.profile(profile)] if profile else known.profiles.values():
        typer.echo(f"{entry.name}: {entry.about}")
        for found in store.list_weights(entry):
            typer.echo(f"  {found.state.value:8}{found.weight.file}  ({found.weight.licence})")
            typer.echo(f"  {'':8}{found.weight.sha256}")


@app.command("fetch")
def fetch(
    profile: Profile = "open",
    manifest: Manifest = None,
    quiet: Annotated[bool, typer.Option(help="Print only the weights that were fetched.")] = False,
) -> None:
    """Fetch a profile's weights into the cache, and prepare its networks there. No other command fetches anything."""
    from idproof.models import manifest as manifests
    from idproof.models import prepared, store

    def report(weight: manifests.Weight, fetched: bool) -> None:
        if fetched or not quiet:
            typer.echo(f"{weight.file}: {'fetched' if fetched else 'already here'} ({weight.licence})", err=True)

    chosen = manifests.load(manifest).profile(profile)
    store.fetch(chosen, progress=report)
    prepared.prepare(chosen)


@app.command("check")
def check(profile: Profile = "open", manifest: Manifest = None) -> None:
    """Hash every weight of a profile. Exit 1 unless all can be used."""
    from idproof.models import manifest as manifests
    from idproof.models import store

    found = store.list_weights(manifests.load(manifest).profile(profile))
    for entry in found:
        typer.echo(f"{entry.state:8} {entry.weight.file} {entry.weight.sha256}")
    raise typer.Exit(0 if all(entry.state is store.WeightState.READY for entry in found) else 1)
