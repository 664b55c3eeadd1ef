"""Runs the small standard benchmarks of the regression gate: minutes, and the same samples every time.

Samples are rendered with the bundled public domain portraits, so that everybody can run it. The face comparison is
measured only where LFW lies beside the checkout or in the folder that `IDPROOF_DATA` names; otherwise the run says so.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from idproof.benchmarks.card.measure import measure_card
from idproof.benchmarks.face.measure import measure_face
from idproof.benchmarks.face.templates import ALIGNED
from idproof.benchmarks.far_engine.measure import measure_far_engine
from idproof.benchmarks.harness.output import Run
from idproof.benchmarks.liveness.measure import measure_liveness
from idproof.benchmarks.system.measure import measure_system
from idproof.datasets.appearance import looking_ahead
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.rendered_people.clips import SPECIES
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen import make_sets
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner

SEED = 4242
BONA_FIDE = 4
ATTACKS = ("print_colour", "screen_phone", "portrait_swap_print", "field_edit", "hologram_flat", "digital_warp")
_TEMPLATES, _DIMENSIONS = 20_000, 128
_PEOPLE = 200
_LFW = "lfw-112-dev.zip"
OPTIONAL = frozenset({"face"})
"""Benchmarks of the standard run that need data which is not part of the project."""


@dataclass(frozen=True)
class StandardBenchmark:
    """One benchmark of the standard run."""

    bench: str
    run: Callable[[], Run]


def data_folder() -> Path:
    """Returns the folder of data sets that are not part of the project."""
    return Path(os.environ.get("IDPROOF_DATA", "../shared/data"))


def lfw(folder: Path | None = None) -> Path | None:
    """Returns the archive of aligned pictures, or None when it is not there."""
    file = (folder or data_folder()) / _LFW
    return file if file.exists() else None


def benchmarks(
    samples: Path, *, runner: TaskRunner = SEQUENTIAL, faces: Path | None = None
) -> Iterator[StandardBenchmark]:
    """Yields the benchmarks, one after the other; without `faces` the face comparison is left out.

    Args:
        samples: an empty folder for the rendered samples.
        runner: where the samples are rendered and measured.
        faces: LFW, aligned.
    """
    sets = samples / "sets"
    make_sets(sets / "bona_fide", BONA_FIDE, SEED, split=Split.TEST, runner=runner)
    for kind in ATTACKS:
        make_sets(sets / kind, 1, SEED, attack=kind, split=Split.TEST, runner=runner)
    registrations = read_sets(sets)
    yield StandardBenchmark("card", lambda: measure_card(registrations, runner=runner, seed=SEED))
    yield StandardBenchmark("system", lambda: measure_system(registrations, runner=runner, seed=SEED))
    people = bundled_people(samples / "people")
    yield StandardBenchmark("liveness", lambda: measure_liveness(people, clips=1, runner=runner, seed=SEED))
    yield StandardBenchmark("far-engine", lambda: measure_far_engine(n=_TEMPLATES, dim=_DIMENSIONS, seed=SEED))
    if faces is not None:
        some = LabelledFaces.open(faces).some(_PEOPLE, SEED)
        yield StandardBenchmark("face", lambda: measure_face(some, load_engines("open"), dataset=ALIGNED, seed=SEED))


def measure_all(
    *, runner: TaskRunner = SEQUENTIAL, faces: Path | None = None, report: Callable[[str], None] = lambda name: None
) -> list[Run]:
    """Runs all benchmarks and removes the rendered samples; `report` is called with each benchmark's name."""
    with TemporaryDirectory(prefix="idproof-standard-") as folder:
        runs = []
        for benchmark in benchmarks(Path(folder), runner=runner, faces=faces):
            report(benchmark.bench)
            runs.append(benchmark.run())
        return runs


def bundled_people(folder: Path, people: int = 1 + len(SPECIES)) -> Path:
    """Writes the bundled portraits in LFW's layout under the names of this many people of the split `test`.

    A liveness run needs another person per clip, who looks ahead. A repeated face matters to a rate, not to a
    regression.
    """
    source = PortraitSource.open(None)
    shown = [picture for label in source.labels() if (picture := _ahead(source.person(label).photographs)) is not None]
    names = (f"Bundled_{number}" for number in range(1000))
    of_test = islice((name for name in names if Split.TEST.holds(name)), people)
    for picture, name in zip(cycle(shown), of_test, strict=False):
        (folder / name).mkdir(parents=True)
        Image.fromarray(picture).save(folder / name / f"{name}_0001.jpg", quality=95)
    return folder


def _ahead(photographs: Iterable[RGBImage]) -> RGBImage | None:
    """Returns the first photograph of somebody who looks ahead also at LFW's size, in that size, if there is one."""
    small = (np.asarray(Image.fromarray(picture).resize((250, 250))) for picture in photographs)
    try:
        return looking_ahead(small)
    except ValueError:
        return None
