"""Labeled Faces in the Wild in its published layout, as a folder or a zip: `Name/Name_0001.jpg`.

Huang et al., "Labeled Faces in the Wild" (2007): 250 × 250 pixels, the person who is named in the middle. `lfw-112` is
the same set, already aligned to 112 × 112 pixels.
A few people appear under two names and a few matched pairs are mislabelled; the maintainers ask that results be
reported as published, without correcting them.
"""

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Self
from zipfile import BadZipFile, ZipFile

import numpy as np
from PIL import Image, UnidentifiedImageError

from idproof.models.types import RGBImage
from idproof.pipeline.errors import DatasetInvalid

_NAME = re.compile(r"(?:^|.*/)(?P<person>[^/]+)/(?P=person)_\d{4}\.jpg")


@dataclass(frozen=True)
class LabelledFaces:
    """A labelled set of pictures, read as they are asked for.

    Attributes:
        root: the folder or zip.
        paths: of the pictures within it, sorted.
        names: the person each picture shows.
    """

    root: Path
    paths: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def open(cls, root: Path) -> Self:
        """List the set; raises `DatasetInvalid` when `root` does not hold pictures in the published layout."""
        if root.is_file():
            try:
                with ZipFile(root) as archive:
                    listed = archive.namelist()
            except BadZipFile:
                raise DatasetInvalid(f"{root.name} is neither a folder nor a zip.") from None
        else:
            listed = [path.relative_to(root).as_posix() for path in root.rglob("*.jpg")]
        found = {path: match["person"] for path in sorted(listed) if (match := _NAME.fullmatch(path))}
        if not found:
            raise DatasetInvalid(f"{root.name} holds no pictures named like Name/Name_0001.jpg.")
        return cls(root, tuple(found), tuple(found.values()))

    def subjects(self) -> list[int]:
        """One whole number a person, for each picture."""
        numbers: dict[str, int] = {}
        return [numbers.setdefault(name, len(numbers)) for name in self.names]

    def of(self, holds: Callable[[str], bool]) -> Self:
        """The pictures of the people whose name `holds`."""
        kept = [i for i, name in enumerate(self.names) if holds(name)]
        return type(self)(self.root, tuple(self.paths[i] for i in kept), tuple(self.names[i] for i in kept))

    def some(self, people: int, seed: int) -> Self:
        """So many people with all their pictures, drawn with the seed; everybody when there are no more."""
        everybody = np.array(sorted(set(self.names)))
        drawn = set(np.random.default_rng(seed).permutation(everybody)[:people].tolist())
        return self.of(drawn.__contains__)

    def pictures(self, start: int, stop: int) -> list[RGBImage]:
        """Some of the pictures, decoded; raises `DatasetInvalid` when one is damaged."""
        paths = self.paths[start:stop]
        return [_decode(data, path) for data, path in zip(self._read(paths), paths, strict=True)]

    def read_pairs(self, path: Path) -> Iterator[tuple[int, int, bool]]:
        """Pairs of a CSV with the columns `file_a`, `file_b`, `same` (1 or 0), as places in `paths`."""
        place = {"/".join(PurePosixPath(name).parts[-2:]): i for i, name in enumerate(self.paths)}
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                try:
                    yield place[row["file_a"]], place[row["file_b"]], row["same"] == "1"
                except KeyError:
                    raise DatasetInvalid(f"{path.name} names a picture that {self.root.name} lacks.") from None

    def _read(self, paths: Sequence[str]) -> Iterator[bytes]:
        if self.root.is_file():
            archive = _opened_zip(self.root, os.getpid())
            yield from (archive.read(path) for path in paths)
        else:
            yield from ((self.root / path).read_bytes() for path in paths)


@lru_cache(maxsize=2)
def _opened_zip(root: Path, _process: int) -> ZipFile:
    """Opens a zip once per process, whose list of files takes longer to read than many pictures do.

    A process that was forked opens its own: two that read through one descriptor move each other's position.
    """
    return ZipFile(root)


def _decode(data: bytes, path: str) -> RGBImage:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError):
        raise DatasetInvalid(f"{path} is not a picture, or a damaged one.") from None
