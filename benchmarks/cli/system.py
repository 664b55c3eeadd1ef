"""The whole verification and the service around it: `system`, `latency`, `stream`, `load`, `scale`, `deletion`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.options import (
    Address,
    AsJson,
    Executor,
    Out,
    Profile,
    Seed,
    Sets,
    SomeSets,
    Threads,
    Workers,
)
from idproof.benchmarks.cli.show import Bar, show
from idproof.benchmarks.deletion import run as deletion_bench
from idproof.benchmarks.latency import run as latency_bench
from idproof.benchmarks.load import run as load_bench
from idproof.benchmarks.scale import faults
from idproof.benchmarks.scale import run as scale_bench
from idproof.benchmarks.stream import run as stream_bench
from idproof.benchmarks.system import run as system_bench
from idproof.datasets.sets import read_sets
from idproof.pipeline import Verifier
from idproof.pipeline.executors.task_runner import TaskRunner

app = typer.Typer()


@app.command()
def system(
    sets: Sets,
    others: Annotated[int, typer.Option(min=0, help="Zero-effort impostors a bona fide card.")] = 1,
    lookalikes: Annotated[int, typer.Option(min=0, help="Impostors who resemble the holder most, a card.")] = 1,
    resume: Annotated[Path | None, typer.Option(help="A file to stop and resume by.")] = None,
    profile: Profile = "open",
    seed: Seed = 0,
    threads: Threads = 1,
    workers: Workers = 1,
    executor: Executor = "in-process",
    address: Address = None,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """End to end: false reject and false accept rates over a folder of registrations."""
    registrations = read_sets(sets)
    with Bar("registrations") as advance:
        result = system_bench.run(
            registrations,
            others=others,
            lookalikes=lookalikes,
            resume=resume,
            profile=profile,
            threads=threads,
            runner=TaskRunner(workers, executor, address),
            seed=seed,
            progress=advance,
        )
    show(result, json_, out)


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
    registrations = read_sets(sets)
    verifier = Verifier.open(profile=profile, threads=threads)
    with Bar("registrations") as advance:
        result = latency_bench.run(registrations, verifier, clips=clips, seed=seed, progress=advance)
    show(result, json_, out)


@app.command()
def stream(
    sets: Sets,
    devices: Annotated[str, typer.Option(help="Numbers of devices to try, rising.")] = "1,2,4,8,12,16,20",
    seconds: Annotated[float, typer.Option(min=2, help="For each number.")] = 20.0,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames a second of each device.")] = 10.0,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """How many devices can stream before guidance comes later than 100 ms, and what a session holds."""
    numbers = [int(part) for part in devices.split(",")]
    with Bar("steps") as advance:
        result = stream_bench.run(
            sets, devices=numbers, seconds=seconds, rate=rate, profile=profile, seed=seed, progress=advance
        )
    show(result, json_, out)


@app.command()
def load(
    sets: SomeSets = None,
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
    with Bar("registrations") as advance:
        result = load_bench.run(
            captures,
            registrations=registrations,
            clients=clients,
            sandbox=sandbox,
            profile=profile,
            seed=seed,
            progress=advance,
        )
    show(result, json_, out)


@app.command()
def scale(
    sets: SomeSets = None,
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
        with Bar("registrations") as advance:
            result = faults.run(registrations=registrations, kill=kill, profile=profile, seed=seed, progress=advance)
        show(result, json_, out)
        return
    if sets is None:
        raise typer.BadParameter("give --sets, or --kill")
    with Bar("configurations") as advance:
        result = scale_bench.run(sets, registrations=registrations, profile=profile, seed=seed, progress=advance)
    show(result, json_, out)


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
    show(result, json_, out)
