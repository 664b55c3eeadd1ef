"""`idproof specimen …`: test data that nobody can take for a real card."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from idproof.service.cli.options import Executor

app = typer.Typer(no_args_is_help=True, help="Specimens: test data, unmistakably.")

NameChoice = Literal["common", "covering"]


@app.command("make")
def make(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    count: Annotated[int, typer.Option(min=1, help="Number of registrations.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    portraits: Annotated[Path | None, typer.Option(help="Folder or zip of photographs, Name/Name_0001.jpg.")] = None,
    attack: Annotated[str | None, typer.Option(help="Render this attack instead of bona fide registrations.")] = None,
    names: Annotated[
        NameChoice,
        typer.Option(help="common: as frequent as in the population; covering: chosen so that characters differ."),
    ] = "common",
    split: Annotated[
        str,
        typer.Option(help="any, tuning or test: people, artworks, cameras, light and attacks of that split only."),
    ] = "any",
    formation: Annotated[
        str,
        typer.Option(
            help="Image formation: analytic, composited (on photographs), path_traced (needs the extra render), or "
            "processed (analytic, then a telephone)."
        ),
    ] = "analytic",
    as_issued: Annotated[
        bool,
        typer.Option(
            help="Only people with a photograph as an issuing department takes them (ISO/IEC 19794-5: head straight, "
            "eyes visible, mouth closed, forehead bare), and that one on the card."
        ),
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    executor: Annotated[Executor, typer.Option(help="Where they are rendered; ray: on a cluster.")] = "in-process",
    address: Annotated[
        str | None, typer.Option(help="Address of the cluster; without it, one starts on this machine.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Keep the complete registrations of an interrupted run with the same options.")
    ] = False,
) -> None:
    """Render registrations of invented people in the set.json format."""
    from rich.progress import Progress

    from idproof.datasets.specimen import Split, make_sets
    from idproof.pipeline.executors.task_runner import TaskRunner

    if split not in list(Split):
        raise typer.BadParameter("any, tuning or test", param_hint="--split")
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("specimens", total=count)

        def advance(done: int, _: int) -> None:
            bar.update(task, completed=done)

        runner = TaskRunner(workers, executor, address)
        chosen: dict[str, Any] = {"names": names, "split": Split(split), "runner": runner, "resume": resume}
        chosen |= {"formed_by": formation, "as_issued": as_issued}
        make_sets(out, count, seed, portraits, attack, advance, **chosen)


@app.command("art")
def art(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the artwork.")] = 0,
) -> None:
    """Write the flat layers of an artwork: base, template, masks, boxes."""
    from idproof.datasets.specimen import write_art

    for path in write_art(out, seed):
        typer.echo(path)


@app.command("sheet")
def sheet(
    sets: Annotated[Path, typer.Option(help="Folder of registrations.")],
    out: Annotated[Path, typer.Option(help="Picture to write.")],
) -> None:
    """Write a contact sheet of registrations."""
    from idproof.datasets.sets import read_sets
    from idproof.datasets.specimen import contact_sheet

    contact_sheet(read_sets(sets), out)
