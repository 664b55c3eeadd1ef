"""Prints runs as a table or as JSON, and writes them to files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from idproof.benchmarks.gate.check import Finding
from idproof.benchmarks.harness.output import Run
from idproof.pipeline import IdproofError


def show_run(run: Run, as_json: bool, out: Path | None) -> None:
    """Prints a table, or the one JSON object; also writes the JSON to a file. Raises `IdproofError` if it cannot."""
    text = json.dumps(run.to_json(), ensure_ascii=False, indent=2)
    if out is not None:
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError:
            raise IdproofError(f"The report {out.name} cannot be written.") from None
    if as_json:
        typer.echo(text)
        return
    table = Table("figure", "value", "95 % interval", "n")
    for name, entry in run.figures.items():
        value = "–" if entry["value"] is None else f"{entry['value']:.4f}"
        interval = "" if entry["low"] is None else f"{entry['low']:.4f} … {entry['high']:.4f}"
        table.add_row(name, value, interval, str(entry["n"]))
    Console().print(table)
    Console().print_json(json.dumps(run.to_json()["counts"]))


def write_calibration(file: Path, calibration: Mapping[str, Any]) -> None:
    """Writes a calibration; raises `IdproofError` if it cannot."""
    try:
        file.write_text(json.dumps(calibration) + "\n", encoding="utf-8")
    except OSError:
        raise IdproofError(f"The calibration {file.name} cannot be written.") from None


def show_findings(found: Sequence[Finding], missing: Sequence[str]) -> None:
    """Prints what the regression gate found; failures come last."""
    table = Table("bench", "figure", "value", "expected", "")
    for each in sorted(found, key=lambda entry: bool(entry.wrong)):
        value = "–" if each.value is None else f"{each.value:.4f}"
        table.add_row(each.bench, each.figure, value, _wanted(each), each.wrong)
    for name in missing:
        table.add_row(name, "", "", "", "was not run")
    Console(stderr=True).print(table)
    wrong = len(missing) + sum(bool(each.wrong) for each in found)
    typer.echo(f"{len(found)} figures compared, {wrong} wrong", err=True)


def _wanted(finding: Finding) -> str:
    wanted = finding.expected
    if wanted is None:
        return ""
    sign, edge = ("≤", 1) if wanted.worse == "higher" else ("≥", -1)
    return f"{sign} {wanted.value + edge * wanted.tolerance:.4f}"
