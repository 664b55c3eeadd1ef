"""`idproof serve`: the HTTP service."""

import sys
from typing import Annotated, Any, Literal

import typer

from idproof.service.cli.options import DataDir, Executor


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    data_dir: DataDir = None,
    profile: Annotated[str | None, typer.Option(help="Profile of networks.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Document type of the cards: a built-in name, or the path of your own (….toml).")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of server processes.")] = 1,
    sandbox: Annotated[
        bool, typer.Option(help="Serve invented applicants with promised outcomes; verifies nobody.")
    ] = False,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="Serve this machine's callers without a key, until a key exists."),
    ] = False,
    only: Annotated[
        Literal["presentations"] | None,
        typer.Option(help="Serve only the verifier of presentations, without loading a network."),
    ] = None,
    executor: Annotated[Executor | None, typer.Option(help="Where pictures are examined.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster; without it, one starts on this machine.")
    ] = None,
    replicas: Annotated[int | None, typer.Option(min=1, help="Replicas of a cluster that starts here.")] = None,
) -> None:
    """Serve the HTTP interface."""
    from idproof.service.operations import process

    process.restart_hardened(sys.argv[1:])  # before anything large is imported: the new process does that again

    from idproof.service.operations.server import run
    from idproof.service.operations.settings import Settings

    chosen: dict[str, Any] = {
        "data_dir": data_dir,
        "profile": profile,
        "document": document,
        "sandbox": sandbox or None,
        "anonymous": anonymous or None,
        "only": only,
    }
    chosen |= {"executor": executor, "ray_address": address, "replicas": replicas}
    settings = Settings.load(**{name: value for name, value in chosen.items() if value is not None})
    process.enforce_guards(settings)
    run(settings, host, port, workers)
