"""Assembles the command line and ends it with an exit code.

Each command imports what it needs when it runs, so that help is instant.
"""

import sys
from typing import NoReturn

import typer

from idproof.models.errors import ExtraMissing, IdproofError
from idproof.service.cli import (
    audit,
    cluster,
    credential,
    keys,
    kiosk,
    models,
    outbox,
    passkey,
    presentation,
    reviewer,
    specimen,
    verdict,
)
from idproof.service.cli.demo import demo
from idproof.service.cli.health import health
from idproof.service.cli.options import EXIT_BAD_INPUT, EXIT_INTERNAL
from idproof.service.cli.output import escape_unprintable_characters, print_error
from idproof.service.cli.serve import serve
from idproof.service.cli.verify import verify
from idproof.service.errors import CREDENTIAL_CODES
from idproof.service.operations import process

_EXIT_NOT_GENUINE = 1
_NOT_GENUINE = {"signature_invalid", "signing_key_revoked", "audit_broken", *CREDENTIAL_CODES}
"""Codes of errors that are the finding of a check, not wrong use."""

_EXTRA_OF = {
    **dict.fromkeys(("flatbuffers", "onnx"), "prepare"),
    **dict.fromkeys(("jinja2", "matplotlib", "numba", "scipy", "simpy", "sklearn", "threadpoolctl"), "bench"),
    "mitsuba": "render",
    "pyarrow": "parquet",
    "ray": "ray",
    "skimage": "specimen",
    "webauthn": "attestation",
}
"""Modules that only an extra brings."""

_GROUPS = {
    "models": models.app,
    "specimen": specimen.app,
    "verdict": verdict.app,
    "audit": audit.app,
    "key": keys.app,
    "client": keys.client_app,
    "outbox": outbox.app,
    "cluster": cluster.app,
    "credential": credential.app,
    "kiosk": kiosk.app,
    "passkey": passkey.app,
    "presentation": presentation.app,
    "reviewer": reviewer.app,
    "keys": keys.signing_app,
}


def main(argv: list[str] | None = None) -> NoReturn:
    """Runs a command and exits with its code. A known error is one line on standard error, never a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    escape_unprintable_characters()
    try:
        if argv[:1] == ["serve"] and "--help" not in argv:
            # Before the options are read, which costs a third of a second: the new process does that again.
            process.restart_hardened(argv)
        _run(argv)
    except IdproofError as error:
        print_error(f"{error.code}: {error.sentence}")
        sys.exit(_EXIT_NOT_GENUINE if error.code in _NOT_GENUINE else EXIT_BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - an unknown error's text may hold a field's value, so it is not shown
        from idproof.pipeline.vault.hardening import error_location

        print_error(f"internal: unexpected {type(error).__name__} at {error_location(error.__traceback__)}")
        sys.exit(EXIT_INTERNAL)
    sys.exit(0)


def _run(argv: list[str]) -> None:
    """Runs a command; raises `ExtraMissing` where it needs a library that only an extra brings."""
    try:
        app = assemble(benchmarks=argv[:1] in (["bench"], ["capacity"]))
        typer.main.get_command(app).main(argv, prog_name="idproof")
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        raise ExtraMissing(f"This needs idproof with the extra {extra}.") from None


def assemble(*, benchmarks: bool) -> typer.Typer:
    """Assembles the commands.

    Args:
        benchmarks: add the benchmarks' commands; else only their names, so that help lists them at no cost.
    """
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Remote identity proofing: a card seen from three angles, a face, one signed verdict.",
    )
    for command in (verify, serve, health, demo):
        app.command()(command)
    for name, group in _GROUPS.items():
        app.add_typer(group, name=name)
    if benchmarks:
        from idproof.benchmarks.cli import app as bench
        from idproof.benchmarks.cli import capacity

        app.add_typer(bench, name="bench")
        app.command("capacity")(capacity)
    else:
        app.command("bench", help="Measure the system.")(lambda: None)
        app.command("capacity", help="Machines for a number of registrations per hour.")(lambda: None)
    return app
