"""`idproof bench check`: the regression gate."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import Address, Executor, Workers
from idproof.benchmarks.cli.output import show_findings, write_calibration
from idproof.benchmarks.cli.progress import ProgressReport, report_line
from idproof.benchmarks.gate import check as gate
from idproof.benchmarks.gate import standard
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def check(
    expected: Annotated[Path, typer.Option(help="File of the expected figures.")] = gate.FILE,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    write_: Annotated[bool, typer.Option("--write", help="Write the measured figures as the expected ones.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the JSON of every run into this folder.")] = None,
) -> None:
    """Compare the small standard run with the expected figures; exits with 1 if any figure got worse."""
    known, faces = gate.read(expected), standard.lfw()
    if faces is None:
        report_line("face: not measured, LFW is not here (IDPROOF_DATA names its folder)")
    with ProgressReport("check", bar=False):
        runs = standard.measure_all(runner=TaskRunner(workers, executor, address), faces=faces, report=report_line)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for run in runs:
            write_calibration(out / f"{run.bench}.json", run.to_json())
    if write_:
        gate.rewrite(expected, known, runs)
        return
    found = gate.compare(runs, known)
    missing = [name for name in gate.not_run(runs, known) if name not in standard.OPTIONAL]
    show_findings(found, missing)
    if missing or any(each.wrong for each in found):
        raise typer.Exit(1)
