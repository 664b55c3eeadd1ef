"""`idproof bench stream`."""

from typing import Annotated

import typer

from idproof.benchmarks.cli.options import AsJson, Out, Profile, Seed, Sets
from idproof.benchmarks.cli.output import show_run
from idproof.benchmarks.cli.progress import ProgressReport
from idproof.benchmarks.stream.measure import measure_stream

app = typer.Typer()


@app.command()
def stream(
    sets: Sets,
    devices: Annotated[str, typer.Option(help="Numbers of devices, rising, with commas.")] = "1,2,4,8,12,16,20",
    seconds: Annotated[float, typer.Option(min=2, help="Per number of devices.")] = 20.0,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames per second of each device.")] = 10.0,
    profile: Profile = "open",
    seed: Seed = 0,
    json_: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how many devices can stream until guidance comes later than 100 ms, and the memory of a session."""
    numbers = [int(part) for part in devices.split(",")]
    with ProgressReport("steps") as progress:
        result = measure_stream(
            sets, devices=numbers, seconds=seconds, rate=rate, profile=profile, seed=seed, progress=progress
        )
    show_run(result, json_, out)
