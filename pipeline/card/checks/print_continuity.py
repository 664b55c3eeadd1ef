"""Does the card's static print run on everywhere, also along the portrait and under the fields?

What is pasted, glued or reprinted over a card covers a piece of its print or leaves it a little aside. The registered
capture is compared with the type's template cell by cell; a cell counts as its best capture shows it, since a lamp's
reflection or a finger hides it in one, hardly in all three.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.locating.refinement import relief
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Role

NAME = "print_continuity"

_CELL_MM = 4.0
_SCALE = 0.5
_BESIDE_MM = 0.3  # next to what belongs to the person or varies, print is hidden by it
_LEAST_SPREAD = 25.0  # of the template's relief in a cell, below which there is nothing to follow
_LEAST_SHOWN = 0.3  # of a cell

_Cells = NDArray[np.float32]


@dataclass(frozen=True)
class Continuity:
    """The template cut into cells.

    Attributes:
        relief: (h, w), half the canonical frame's, of the template, zero mean in each cell's shown part.
        shown: (h, w), 1 where there is static print alone.
        energy: (rows, columns), mean square of the relief in each cell; zero for cells that are not used.
    """

    relief: NDArray[np.float32]
    shown: NDArray[np.float32]
    energy: _Cells

    @classmethod
    def of(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read."""
        template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
        if template is None or template.shape[::-1] != document.size_px:
            raise DocumentTypeInvalid(f"The template picture of {document.name} cannot be used.")
        template, shown = _half(template), _half(_shown(document))
        grid = round(document.height_mm / _CELL_MM), round(document.width_mm / _CELL_MM)
        values, share = _centred(relief(template, _SCALE), shown, grid)
        energy = np.asarray(_means(values * values, grid) / np.maximum(share, 1e-6), dtype=np.float32)
        energy[(share < _LEAST_SHOWN) | (energy < _LEAST_SPREAD**2)] = 0
        return cls(values, shown, energy)

    def correlations(self, rectified: RGBImage) -> _Cells:
        """(cells,): -1..1 for each cell that is used."""
        values, share = _centred(
            relief(_half(cv2.cvtColor(rectified, cv2.COLOR_RGB2GRAY)), _SCALE), self.shown, self.energy.shape
        )
        used = self.energy > 0
        together = _means(values * self.relief, self.energy.shape)[used] / share[used]
        own = _means(values * values, self.energy.shape)[used] / share[used]
        return np.asarray(together / np.sqrt(np.maximum(own * self.energy[used], 1e-6)), dtype=np.float32)

    def check(self, rectified: Mapping[Role, RGBImage], policy: Policy) -> CheckResult:
        """`print_continuity`: correlation of the cell that agrees least; fails with `print_interrupted`."""
        best = np.max([self.correlations(image) for image in rectified.values()], axis=0)
        return policy.calibration.at_least(NAME, float(best.min()), unit="correlation", reason="print_interrupted")


def _shown(document: DocumentType) -> NDArray[np.float32]:
    width, height = document.size_px
    shown = np.ones((height, width), dtype=np.float32)
    boxes = (document.portrait, *(r.box for r in document.regions), *(spec.box for spec in document.fields))
    for box in boxes:
        left, top, right, bottom = box.pixels(document.px_per_mm, pad_mm=_BESIDE_MM)
        shown[top:bottom, left:right] = 0
    return shown


def _half(picture: NDArray[Any]) -> NDArray[Any]:
    """At half the size, which holds all of the print that a card in use still shows."""
    small = cv2.resize(picture, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=picture.dtype)


def _centred(values: NDArray[Any], shown: NDArray[np.float32], grid: tuple[int, ...]) -> tuple[_Cells, _Cells]:
    """The shown part of each cell less its mean, and how large it is, 0..1."""
    share = _means(shown, grid)
    mean = _means(values.astype(np.float32) * shown, grid) / np.maximum(share, 1e-6)
    spread = cv2.resize(mean, shown.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray((values - spread) * shown, dtype=np.float32), share


def _means(values: NDArray[np.float32], grid: tuple[int, ...]) -> _Cells:
    return np.asarray(cv2.resize(values, grid[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
