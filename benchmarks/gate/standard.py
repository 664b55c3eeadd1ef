"""The small standard run that the regression gate holds: minutes, not hours, and the same samples every time.

Samples are rendered with the bundled public domain portraits, so that everybody can run it. Where LFW lies beside the
checkout (or in the folder that `IDPROOF_DATA` names) the face comparison is measured too; where it does not, the run
says so.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from idproof.benchmarks.card import run as card_bench
from idproof.benchmarks.face import run as face_bench
from idproof.benchmarks.face.templates import ALIGNED
from idproof.benchmarks.far_engine import run as far_engine_bench
from idproof.benchmarks.harness.output import Run
from idproof.benchmarks.liveness import run as liveness_bench
from idproof.benchmarks.system import run as system_bench
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.rendered_people.clips import SPECIES
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen import make_sets
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner

SEED = 4242
BONA_FIDE = 4
ATTACKS = ("print_colour", "screen_phone", "portrait_swap_print", "field_edit", "hologram_flat", "digital_warp")
_TEMPLATES, _DIMENSIONS = 20_000, 128
_PEOPLE = 200
_LFW = "lfw-112-dev.zip"
OPTIONAL = frozenset({"face"})
"""Benchmarks of the standard run that need data which is no part of the project."""


@dataclass(frozen=True)
class Part:
    """One benchmark of the standard run."""

    bench: str
    run: Callable[[], Run]


def data_folder() -> Path:
    """Where data sets are looked for that are no part of the project."""
    return Path(os.environ.get("IDPROOF_DATA", "../shared/data"))


def lfw(folder: Path | None = None) -> Path | None:
    """The aligned pictures, or None where they are not."""
    file = (folder or data_folder()) / _LFW
    return file if file.exists() else None


def parts(samples: Path, *, runner: TaskRunner = SEQUENTIAL, faces: Path | None = None) -> Iterator[Part]:
    """What is measured, one after the other; without `faces` the face comparison is left out.

    Args:
        samples: an empty folder for what is rendered.
        runner: where.
        faces: LFW, aligned.
    """
    sets = samples / "sets"
    make_sets(sets / "bona_fide", BONA_FIDE, SEED, split=Split.TEST, runner=runner)
    for kind in ATTACKS:
        make_sets(sets / kind, 1, SEED, attack=kind, split=Split.TEST, runner=runner)
    registrations = read_sets(sets)
    yield Part("card", lambda: card_bench.run(registrations, runner=runner, seed=SEED))
    yield Part("system", lambda: system_bench.run(registrations, runner=runner, seed=SEED))
    people = bundled(samples / "people")
    yield Part("liveness", lambda: liveness_bench.run(people, clips=1, runner=runner, seed=SEED))
    yield Part("far-engine", lambda: far_engine_bench.run(n=_TEMPLATES, dim=_DIMENSIONS, seed=SEED))
    if faces is not None:
        some = LabelledFaces.open(faces).some(_PEOPLE, SEED)
        yield Part("face", lambda: face_bench.run(some, load_engines("open"), dataset=ALIGNED, seed=SEED))


def measured(
    *, runner: TaskRunner = SEQUENTIAL, faces: Path | None = None, tell: Callable[[str], None] = lambda name: None
) -> list[Run]:
    """The whole standard run; what was rendered is removed again."""
    with TemporaryDirectory(prefix="idproof-standard-") as folder:
        runs = []
        for part in parts(Path(folder), runner=runner, faces=faces):
            tell(part.bench)
            runs.append(part.run())
        return runs


def bundled(folder: Path, people: int = 1 + len(SPECIES)) -> Path:
    """The bundled portraits in LFW's layout, as so many people of the split `test`: the same few under several names.

    A liveness run wants another person for each clip. That a face comes again matters to a rate, not to a regression.
    """
    source = PortraitSource.open(None)
    names = (f"Bundled_{number}" for number in range(1000))
    of_test = islice((name for name in names if Split.TEST.holds(name)), people)
    for label, name in zip(cycle(source.labels()), of_test, strict=False):
        (folder / name).mkdir(parents=True)
        picture = Image.fromarray(source.person(label).photographs[0])
        picture.resize((250, 250)).save(folder / name / f"{name}_0001.jpg", quality=95)
    return folder
