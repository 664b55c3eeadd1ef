"""`idproof health`: the health check of a container."""

from typing import Annotated

import typer

from idproof.service.cli.output import print_error

_NOT_READY = 1
"""Exit code for an orchestrator: Docker defines 0 and 1 alone."""


def health(
    host: Annotated[str, typer.Option(help="Address that the service listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the service listens on.")] = 8000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest wait for an answer, in seconds.")] = 5.0,
) -> None:
    """Ask a running service whether it is ready; exit with 0 when it is, else with 1."""
    from idproof.service.operations.health import ask_readiness
    from idproof.service.operations.settings import Settings

    found = ask_readiness(Settings.load(), host, port, timeout)
    if not found.ready:
        print_error(found.sentence)
        raise typer.Exit(_NOT_READY)
    typer.echo(found.sentence)
