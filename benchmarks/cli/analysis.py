"""What is made of comparisons and of runs: `far-engine`, `report`, `peers`, `check`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import Address, AsJson, Executor, Out, Profile, Seed, SomeSets, Workers, cluster
from idproof.benchmarks.cli.show import Bar, held, show, write
from idproof.benchmarks.far_engine import run as far_engine_bench
from idproof.benchmarks.gate import check as gate
from idproof.benchmarks.gate import standard
from idproof.benchmarks.peers import run as side_by_side_bench
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import read_sets
from idproof.pipeline import IdproofError
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def far_engine(
    n: Annotated[int, typer.Option(min=2, help="Templates.")] = 100_000,
    dim: Annotated[int, typer.Option(min=2, help="Their dimensions.")] = 128,
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the invented templates.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How fast all pairs of many templates are compared and counted, beside the bare product and peers."""
    with Bar("comparisons") as advance:
        result = far_engine_bench.run(
            n=n, dim=dim, workers=workers, runner=cluster(executor, address), seed=seed, progress=advance
        )
    show(result, json_, out)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Files that other benchmarks wrote with --out.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
    pdf: Annotated[Path | None, typer.Option(help="Also print it to this file, by Chromium.")] = None,
    sets: Annotated[
        Path | None, typer.Option(help="Specimens the runs were made on: those that failed are shown.")
    ] = None,
) -> None:
    """One page from one or more runs: what was measured, and what the counts allow to be said."""
    from idproof.benchmarks.report import page, read  # matplotlib takes a second to import
    from idproof.benchmarks.report.pdf import print_page

    text = page.build([read.read(file) for file in runs], read_sets(sets) if sets else ())
    try:
        out.write_text(text, encoding="utf-8")
    except OSError:
        raise IdproofError(f"The report {out.name} cannot be written.") from None
    typer.echo(f"{out} ({len(text) / 1024:,.0f} KiB)", err=True)
    if pdf is not None:
        print_page(out, pdf)
        typer.echo(str(pdf), err=True)


@app.command("peers")
def side_by_side_(
    root: Annotated[Path | None, typer.Option(help="Original LFW pictures, folder or zip; with --pairs.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of labelled pairs.")] = None,
    most: Annotated[int, typer.Option(min=4, help="So many pairs, half of each kind.")] = 600,
    sets: SomeSets = None,
    cards: Annotated[int, typer.Option(min=1, help="So many bona fide cards of --sets.")] = 20,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Other software on the same photographs and the same cards, in the same run."""
    if (root is None) != (pairs is None) or (root is None and sets is None):
        raise typer.BadParameter("give --root with --pairs, or --sets, or all of them")
    photographs = None
    if root is not None and pairs is not None:
        photographs = side_by_side_bench.Pairs.read(LabelledFaces.open(root), pairs, most)
    bona_fide = [entry for entry in read_sets(sets) if entry.truth.bona_fide][:cards] if sets is not None else []
    with Bar("systems") as advance:
        result = side_by_side_bench.run(pairs=photographs, sets=bona_fide, profile=profile, seed=seed, progress=advance)
    show(result, json_, out)


@app.command()
def check(
    expected: Annotated[Path, typer.Option(help="What is expected.")] = gate.FILE,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    write_: Annotated[bool, typer.Option("--write", help="Take what is measured for what is expected.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the JSON of every run into this folder.")] = None,
) -> None:
    """Whether anything of the small standard run got worse; ends with 1 if so."""
    known, faces = gate.read(expected), standard.lfw()
    if faces is None:
        typer.echo("face: not measured, LFW is not here (IDPROOF_DATA names its folder)", err=True)
    runs = standard.measured(
        runner=TaskRunner(workers, executor, address), faces=faces, tell=lambda name: typer.echo(name, err=True)
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for run in runs:
            write(out / f"{run.bench}.json", run.to_json())
    if write_:
        gate.rewrite(expected, known, runs)
        return
    found = gate.hold(runs, known)
    missing = [name for name in gate.not_run(runs, known) if name not in standard.OPTIONAL]
    held(found, missing)
    if missing or any(each.wrong for each in found):
        raise typer.Exit(1)
