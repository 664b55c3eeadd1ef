"""Photographs of faces: bundled, freely licensed pictures, or a folder or zip of the user.

A source has people with one or more photographs each, in the framing of Labeled Faces in the Wild: square, the face
in the middle, about two fifths of the side wide. Its layout is `Name/Name_0001.jpg`.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import skimage.data
from PIL import Image

from idproof.datasets.lfw import LabelledFaces
from idproof.models.types import RGBImage

BUNDLED = Path(__file__).parent / "people"
_ASTRONAUT_CROP = (106, 6, 342, 242)  # left, top, right, bottom: the face in the middle, as elsewhere


@dataclass(frozen=True)
class Person:
    """Photographs of one person.

    Attributes:
        label: opaque; tells people apart in `truth.person`.
        photographs: RGB, square.
    """

    label: str
    photographs: tuple[RGBImage, ...] = field(repr=False)


@dataclass(frozen=True)
class PortraitSource:
    """People to draw specimens with."""

    faces: LabelledFaces | None

    @classmethod
    def open(cls, root: Path | None) -> Self:
        """A folder or zip in the published layout, or the bundled pictures for None; raises `DatasetInvalid`."""
        return cls(LabelledFaces.open(root) if root is not None else None)

    def labels(self) -> list[str]:
        """Everybody, those with two photographs first."""
        if self.faces is None:
            return ["bundled/office-holder", "bundled/astronaut", "bundled/second-office-holder"]
        counts = _counts(self.faces.names)
        return sorted(counts, key=lambda name: (counts[name] < 2, name))

    def holders(self) -> list[str]:
        """Returns the people who get a card: those whose selfie can be another photograph.

        Everybody when the source has no such people, and of the bundled few: the truth of a set says when its
        selfie is the card's own photograph, re-imaged.
        """
        if self.faces is None:
            return self.labels()
        counts = _counts(self.faces.names)
        several = [name for name in self.labels() if counts[name] > 1]
        return several or self.labels()

    def person(self, label: str) -> Person:
        """One person's photographs, at most four."""
        if self.faces is None:
            return Person(label, _bundled(label))
        places = [i for i, name in enumerate(self.faces.names) if name == label][:4]
        return Person(label, tuple(_square(self.faces.pictures(place, place + 1)[0]) for place in places))


def _square(picture: RGBImage) -> RGBImage:
    """The middle of a photograph, as wide as it is high."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]


def _counts(names: tuple[str, ...]) -> dict[str, int]:
    values, counts = np.unique(np.array(names), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _bundled(label: str) -> tuple[RGBImage, ...]:
    """Public domain pictures, see `people/people.toml`; the astronaut's comes with scikit-image."""
    if label.endswith("astronaut"):
        return (np.array(Image.fromarray(skimage.data.astronaut()).crop(_ASTRONAUT_CROP)),)
    stem = label.removeprefix("bundled/")
    return tuple(
        np.array(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
        for path in sorted(BUNDLED.glob(f"{stem}-*.jpg"))
    )
