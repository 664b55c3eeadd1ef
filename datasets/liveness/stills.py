"""Labelled still pictures of faces and attacks, listed by a CSV file beside them or in one zip with them.

The table's columns `label`, `kind`, `source` and `file` are read: `label` is `bonafide`, `attack` or another word for
pictures that nobody can label; `kind` describes the attack in the publisher's words. With a column `sha256` each
picture is held to it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.errors import DatasetInvalid

_LABELS = {"bonafide": True, "bona_fide": True, "attack": False}
_REMARK = re.compile(r"[(,].*")  # of a kind: "display clip frame, wears mask", "recapture (as named)"
_NO_WORD = re.compile(r"[^a-z0-9]+")
_FLAT = ("display", "print", "recapture", "screen", "replay", "photo")


@dataclass(frozen=True)
class Still:
    """One labelled picture.

    Attributes:
        name: of the file.
        bona_fide: None where the publisher's label is neither.
        kind: of the attack in lower case, without the publisher's remarks, such as `print_held`.
        source: of the picture.
        data: the encoded picture.
    """

    name: str
    bona_fide: bool | None
    kind: str
    source: str
    data: bytes = field(repr=False)

    @property
    def flat(self) -> bool:
        """Tells an attack on paper or a display from people and from attacks in the round."""
        return self.bona_fide is False and self.kind.startswith(_FLAT)

    def pixels(self) -> RGBImage:
        """Returns the picture; raises `DatasetInvalid`."""
        image = cv2.imdecode(np.frombuffer(self.data, dtype=np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetInvalid(f"{self.name} is not a picture.")
        return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def read_stills(path: Path) -> Iterator[Still]:
    """Yields the pictures of a table, in its order; raises `DatasetInvalid`.

    Args:
        path: a CSV file with the pictures beside it, or a zip with one CSV file and the pictures.
    """
    try:
        if path.suffix.lower() != ".zip":
            yield from _read(path.read_text(encoding="utf-8"), lambda name: (path.parent / name).read_bytes())
            return
        with ZipFile(path) as archive:
            tables = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(tables) != 1:
                raise DatasetInvalid(f"{path.name} holds {len(tables)} tables; one is needed.")
            folder = tables[0].rpartition("/")[0]
            prefix = f"{folder}/" if folder else ""
            yield from _read(archive.read(tables[0]).decode("utf-8"), lambda name: archive.read(prefix + name))
    except (OSError, BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise DatasetInvalid(f"{path.name} is missing, or not a table of pictures.") from error


def _read(table: str, open_file: Callable[[str], bytes]) -> Iterator[Still]:
    for row in csv.DictReader(io.StringIO(table)):
        try:
            name, label, kind, source = row["file"], row["label"], row["kind"], row["source"]
            if not name or Path(name).is_absolute() or ".." in Path(name).parts:
                raise DatasetInvalid("A picture of the table lies outside its folder.")
            data = open_file(name)
        except (KeyError, OSError):
            raise DatasetInvalid("The table lacks a column, or one of its pictures is missing.") from None
        if row.get("sha256") and sha256(data).hexdigest() != row["sha256"]:
            raise DatasetInvalid(f"{name} is not the picture that the table lists.")
        yield Still(name, _LABELS.get(label), _plain_kind(kind), source, data)


def _plain_kind(kind: str) -> str:
    return _NO_WORD.sub("_", _REMARK.sub("", kind.lower())).strip("_")
