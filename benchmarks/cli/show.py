"""How runs are shown: a bar while they go on, then a table or JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from idproof.benchmarks.gate.check import Finding
from idproof.benchmarks.harness.output import Run
from idproof.pipeline import IdproofError


class Bar:
    """A progress bar on standard error, as a function of (done, total)."""

    def __init__(self, what: str) -> None:
        self._bar = Progress(console=Console(stderr=True))
        self._task = self._bar.add_task(what)

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Move it."""
        self._bar.update(self._task, completed=done, total=total)


def show(run: Run, as_json: bool, out: Path | None) -> None:
    """A table, or the one JSON object; also to a file. Raises `IdproofError` when it cannot be written."""
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


def write(file: Path, calibration: dict[str, Any]) -> None:
    """A calibration; raises `IdproofError` when it cannot be written."""
    try:
        file.write_text(json.dumps(calibration) + "\n", encoding="utf-8")
    except OSError:
        raise IdproofError(f"The calibration {file.name} cannot be written.") from None


def held(found: Sequence[Finding], missing: Sequence[str]) -> None:
    """What the regression gate found, what is wrong last."""
    table = Table("bench", "figure", "value", "expected", "")
    for each in sorted(found, key=lambda entry: bool(entry.wrong)):
        value = "–" if each.value is None else f"{each.value:.4f}"
        table.add_row(each.bench, each.figure, value, _wanted(each), each.wrong)
    for name in missing:
        table.add_row(name, "", "", "", "was not run")
    Console(stderr=True).print(table)
    wrong = len(missing) + sum(bool(each.wrong) for each in found)
    typer.echo(f"{len(found)} figures held, {wrong} wrong", err=True)


def _wanted(finding: Finding) -> str:
    wanted = finding.expected
    if wanted is None:
        return ""
    sign, edge = ("≤", 1) if wanted.worse == "higher" else ("≥", -1)
    return f"{sign} {wanted.value + edge * wanted.tolerance:.4f}"
