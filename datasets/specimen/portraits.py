"""Photographs of faces: bundled, freely licensed pictures, or a folder or zip of the user.

A source has people with one or more photographs each, in the framing of Labeled Faces in the Wild: square, the face
in the middle, about two fifths of the side wide. Its layout is `Name/Name_0001.jpg`.
"""

import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import skimage.data
from PIL import Image

from idproof.datasets.appearance import Appearance
from idproof.datasets.lfw import LabelledFaces
from idproof.models.types import RGBImage

BUNDLED = Path(__file__).parent / "people"
_ASTRONAUT = "bundled/astronaut"
_ROUNDS = (
    ("bundled/office-holder", _ASTRONAUT, "bundled/second-office-holder"),
    ("bundled/naval-officer", "bundled/second-astronaut"),
)
"""The bundled people. Those of a later round get a card after everybody before them has one, so that people who are
added later do not change the first registrations of a seed."""
_ASTRONAUT_CROP = (106, 6, 342, 242)  # left, top, right, bottom: the face in the middle, as elsewhere


@dataclass(frozen=True)
class Person:
    """Photographs of one person.

    Attributes:
        label: opaque; tells people apart in `truth.person`.
        photographs: RGB, square.
        sex: `M` or `F`; None when it is not known. It is never guessed from a face.
        age: about, in years, in the first photograph; None when it is not known.
    """

    label: str
    photographs: tuple[RGBImage, ...] = field(repr=False)
    sex: str | None = None
    age: int | None = None


@dataclass(frozen=True)
class PortraitSource:
    """People to draw specimens with.

    Attributes:
        faces: photographs in the published layout; None for the bundled ones.
        as_issued: only people who have a photograph that an issuing department could have taken
            (`Appearance.is_as_issued`) get a card, and the first such photograph is on it.
    """

    faces: LabelledFaces | None
    as_issued: bool = False
    _issued: dict[str, int | None] = field(default_factory=dict, compare=False, repr=False)
    """By person, the place of the first photograph for a card, as far as it was looked for."""

    @classmethod
    def open(cls, root: Path | None, *, as_issued: bool = False) -> Self:
        """Opens a folder or zip in the published layout, or the bundled pictures for None; raises `DatasetInvalid`."""
        return cls(LabelledFaces.open(root) if root is not None else None, as_issued)

    def as_made(self, recipe: Mapping[str, Any]) -> Self:
        """Returns this source with the choice of portraits that a set's recipe states."""
        return replace(self, as_issued=recipe.get("as_issued", False) is True)

    def gets_card(self, label: str) -> bool:
        """Returns whether a person can be the holder of a card."""
        return not self.as_issued or self._issued_place(label) is not None

    def labels(self) -> list[str]:
        """Returns everybody, those with two photographs first."""
        if self.faces is None:
            return [label for people in _ROUNDS for label in people]
        counts = _counts(self.faces.names)
        return sorted(counts, key=lambda name: (counts[name] < 2, name))

    def holders(self) -> list[list[str]]:
        """Returns the people who get a card: those whose selfie can be another photograph.

        Everybody when the source has no such people, and of the bundled few: the truth of a set says when its
        selfie is the card's own photograph, re-imaged. The people of each list get a card after everybody of the
        lists before it has one.
        """
        if self.faces is None:
            return [list(people) for people in _ROUNDS]
        counts = _counts(self.faces.names)
        several = [name for name in self.labels() if counts[name] > 1]
        return [several or self.labels()]

    def others(self, holder: str) -> list[str]:
        """Returns the people who take part in attacks on this holder's card: everybody else, or those of their list."""
        if self.faces is None:
            return [label for people in _ROUNDS if holder in people for label in people if label != holder]
        return [label for label in self.labels() if label != holder]

    def person(self, label: str) -> Person:
        """Returns one person with at most four photographs; with `as_issued` that for the card is the first."""
        found = self._photographed(label)
        place = self._issued_place(label) if self.as_issued else None
        if place is None:
            return found
        pictures = found.photographs
        return replace(found, photographs=(pictures[place], *pictures[:place], *pictures[place + 1 :]))

    def _issued_place(self, label: str) -> int | None:
        """Returns the place of a person's first photograph as an issuing department takes them; None without one."""
        if label not in self._issued:
            seen = map(Appearance.of, self._photographed(label).photographs)
            found = (place for place, one in enumerate(seen) if one is not None and one.is_as_issued)
            self._issued[label] = next(found, None)
        return self._issued[label]

    def _photographed(self, label: str) -> Person:
        if self.faces is None:
            known = _known()[label.removeprefix("bundled/")]
            return Person(label, _bundled(label), known["sex"], known["age"])
        places = [i for i, name in enumerate(self.faces.names) if name == label][:4]
        return Person(label, tuple(_square(self.faces.pictures(place, place + 1)[0]) for place in places))


def _square(picture: RGBImage) -> RGBImage:
    """Cuts the middle of a photograph, as wide as it is high."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]


def _counts(names: tuple[str, ...]) -> dict[str, int]:
    values, counts = np.unique(np.array(names), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


@lru_cache(maxsize=1)
def _known() -> dict[str, dict[str, Any]]:
    """Returns sex and age of the bundled people."""
    table: dict[str, dict[str, Any]] = tomllib.loads((BUNDLED / "people.toml").read_text(encoding="utf-8"))["people"]
    return table


def _bundled(label: str) -> tuple[RGBImage, ...]:
    """Reads public domain pictures, see `people/people.toml`; the astronaut's comes with scikit-image."""
    if label == _ASTRONAUT:
        return (np.array(Image.fromarray(skimage.data.astronaut()).crop(_ASTRONAUT_CROP)),)
    stem = label.removeprefix("bundled/")
    return tuple(
        np.array(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
        for path in sorted(BUNDLED.glob(f"{stem}-*.jpg"))
    )
