"""Prints verdicts for people and for programs, and reads the files that commands are given."""

import codecs
import io
import json
import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ESCAPED = "idproof.json_escape"
_COLOUR_BY_DECISION = {"accept": "green", "refer": "yellow", "reject": "red"}


def plain_console() -> Console:
    """Returns a console that prints text as it is: brackets and colons read from a card are no markup."""
    return Console(soft_wrap=True, markup=False, emoji=False)


def escape_unprintable_characters() -> None:
    r"""Lets both output streams write a character that their encoding lacks as JSON escapes it, instead of raising.

    A terminal without UTF-8 shows `\u9673` for 陳, and JSON stays JSON.
    """
    codecs.register_error(_ESCAPED, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - both streams are written only
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def print_error(line: str) -> None:
    """Prints one line on standard error."""
    Console(stderr=True, soft_wrap=True).print(line, markup=False, highlight=False, emoji=False)


def print_json(document: Any) -> None:
    """Prints one JSON document on standard output."""
    # Not by `typer.echo`, which takes an ASCII terminal for a mistake and writes UTF-8 to it.
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_verdict(verdict: dict[str, Any]) -> None:
    """Prints a whole verdict: decision, checks, fields and deletion receipt."""
    console = plain_console()
    print_decision(console, verdict)
    table = Table("check", "outcome", "value", "limit", "unit")
    for check in verdict["checks"]:
        outcome = check["outcome"] or "could not assess"
        table.add_row(check["name"], outcome, _number(check["value"]), _number(check["limit"]), check["unit"])
    console.print(table)
    print_fields(console, verdict)
    receipt = verdict["deletion"]
    console.print(f"Not performed under {verdict['policy']}: {', '.join(verdict['not_performed'])}.")
    wiped = Table("deleted", "of", "count", "bytes", "wiped at")
    for entry in receipt["wiped"]:
        roles = ", ".join(entry.get("roles", ()))
        wiped.add_row(entry["kind"], roles, str(entry["count"]), str(entry["bytes"]), entry["wiped_at"])
    console.print(wiped)
    console.print(f"Deleted how: {receipt['mechanism']}; still held: {receipt['outstanding']}.")
    console.print(f"Guards in force: {', '.join(receipt['guards']) or 'none'}.")


def print_decision(console: Console, verdict: dict[str, Any]) -> None:
    """Prints a verdict's decision, reasons and id in one line."""
    style = f"bold {_COLOUR_BY_DECISION[verdict['decision']]}"
    rest = f" {', '.join(verdict['reasons'])}  {verdict['id']}"
    console.print(Text.assemble((verdict["decision"].upper(), style), rest))


def print_fields(console: Console, verdict: dict[str, Any]) -> None:
    """Prints the fields that were read from the card, or nothing when the verdict has none."""
    if not verdict.get("fields"):
        return
    table = Table("field", "as printed", "confidence")
    for name, reading in verdict["fields"].items():
        table.add_row(name, reading["text"] or "–", _number(reading["confidence"]))
    console.print(table)


def read_file(path: Path) -> bytes:
    """Returns a file's bytes; raises `typer.BadParameter` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        raise typer.BadParameter(f"{path.name} cannot be read") from None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
