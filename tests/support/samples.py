"""Registrations that several tests want: rendered once a process, copied for each."""

import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from idproof.datasets.specimen import make_sets


def make(out: Path, count: int, seed: int, attack: str | None = None) -> list[Path]:
    """Writes the sets of `make_sets` for these arguments: registration i depends on the seed and i alone."""
    kept = Path(_kept().name) / f"{seed}-{attack}"
    folders = make_sets(kept, count, seed, attack=attack, resume=True)
    return [Path(shutil.copytree(folder, out / folder.name)) for folder in folders]


@lru_cache(maxsize=1)
def _kept() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="idproof-samples-")
