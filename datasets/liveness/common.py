"""Shared by the readers of liveness sets: samples, and frames of pictures and videos."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.errors import DatasetInvalid

PICTURES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture or a film of one person, or of an attack.

    Attributes:
        path: the file.
        subject: unique within the set; the same for a person and the attacks made of them.
        attack: the species in our words (`print_flat`, `screen_photo`, `screen_video`, …), None for bona fide.
        published_class: the set's own name or number of it.
        split: `train`, `devel` or `test` as published.
        device: what filmed it, or None where the set does not say.
        condition: light, session or surroundings in the set's words, or None.
    """

    path: Path
    subject: str
    attack: str | None
    published_class: str
    split: str
    device: str | None = None
    condition: str | None = None

    def frames(self, most: int = 16) -> Iterator[RGBImage]:
        """Up to `most` frames, evenly over the film; the picture itself for a picture.

        Raises:
            DatasetInvalid: missing, damaged, or a film that OpenCV cannot open.
        """
        if self.path.suffix.lower() in PICTURES:
            yield _picture(self.path)
            return
        film = cv2.VideoCapture(str(self.path))
        try:
            count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
            if not film.isOpened() or count < 1:
                raise DatasetInvalid(f"{short(self.path)} is not a film, or a damaged one.")
            wanted = {round(place) for place in np.linspace(0, count - 1, min(most, count))}
            for place in range(count):
                read, frame = film.read()
                if not read:
                    return
                if place in wanted:
                    yield np.ascontiguousarray(frame[..., ::-1], dtype=np.uint8)
        finally:
            film.release()


def require(root: Path, dataset: str, *folders: str) -> list[str]:
    """Those of `folders` that are there; raises `DatasetInvalid` when none is."""
    there = [name for name in folders if (root / name).is_dir()]
    if not there:
        raise DatasetInvalid(f"{root.name} is not {dataset} as published: it has none of {', '.join(folders)}.")
    return there


def filled(samples: list[Sample], root: Path, dataset: str) -> list[Sample]:
    """The samples; raises `DatasetInvalid` when there are none."""
    if not samples:
        raise DatasetInvalid(f"{root.name} is not {dataset} as published: its folders hold no files named as there.")
    return samples


def short(path: Path) -> str:
    """The last parts of a path: enough to find it, without the user's folders."""
    return "/".join(path.parts[-3:])


def _picture(path: Path) -> RGBImage:
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise DatasetInvalid(f"{short(path)} is missing, or not a picture.")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)
