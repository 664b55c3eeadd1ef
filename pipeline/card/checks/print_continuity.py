"""Checks that the card's static print continues everywhere, also beside the portrait and under the fields.

Something pasted, glued or reprinted over a card covers a piece of its print or displaces it a little. The rectified
capture is compared with the type's template cell by cell. A cell counts as its best capture shows it, since a lamp's
reflection or a finger hides it in one capture and hardly in all three. A finger that does is told from a patch by the
card's edge, which it hides too; the cells under it are not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.cover import covered_cells
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane, local_contrast
from idproof.pipeline.card.outline import OutlineFinder
from idproof.pipeline.card.template import read_template, static_print_mask
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

PRINT_CONTINUITY = Quantity(
    "print_continuity",
    "correlation",
    "print_interrupted",
    Limit.AT_LEAST,
    lost_in_darkness=True,
    forged=0.0,
    speaks_to=(Hypothesis.PORTRAIT, Hypothesis.FIELD, Hypothesis.DOCUMENT),
)

# Chosen by hand on tuning cards; no outside source.
_CELL_MM = 4.0
_SCALE = 0.5  # half the canonical frame, which holds all of the print that a used card still shows
_BESIDE_MM = 0.3  # strip beside the person's data and variable regions, where they hide the print
_LEAST_CONTRAST = 25.0  # of the template in a cell, in grey levels of its local contrast; below it there is no print
_LEAST_SHOWN = 0.3  # share of a cell that shows static print


@dataclass(frozen=True)
class PrintContinuity(Check):
    """`print_continuity`: correlation, -1..1, of the cell that agrees least.

    Fails with `print_interrupted`; could not be assessed, with `card_covered`, when every cell that shows less than
    those of genuine cards lies under something that reaches over the card's edge in all captures.

    Attributes:
        contrast: (h, w), local contrast of the template at half size, zero mean in each cell's shown part.
        shown: (h, w), 1 where there is static print alone.
        energy: (rows, columns), mean square of the contrast in each cell; zero for cells that are not used.
        finder: of the card's outline.
    """

    contrast: Plane
    shown: Plane
    energy: Plane
    finder: OutlineFinder

    reports = (PRINT_CONTINUITY,)
    single_capture = True

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read."""
        template = _half(read_template(document))
        shown = _half(static_print_mask(document, _BESIDE_MM).astype(np.float32))
        grid = round(document.height_mm / _CELL_MM), round(document.width_mm / _CELL_MM)
        contrast, share = _centred(local_contrast(template, _SCALE), shown, grid)
        energy = np.asarray(_means(contrast * contrast, grid) / np.maximum(share, 1e-6), dtype=np.float32)
        energy[(share < _LEAST_SHOWN) | (energy < _LEAST_CONTRAST**2)] = 0
        return cls(document, contrast, shown, energy, OutlineFinder.open(document))

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Takes each cell from its best capture, and the worst of the cells."""
        captures = [self.correlations(image) for image in card.rectified.values()]
        best = np.max(captures, axis=0)
        result = PRINT_CONTINUITY.judge(float(best.min()), policy.calibration)
        if not policy.calibration.values:  # it records what is measured, and limits nothing
            return [result]
        # A cell that is half under a finger shows less than any cell of the calibrated cards.
        clear = _clear(policy)
        if float(best.min()) >= clear:
            return [result]
        covered = np.logical_and.reduce(self._covers(card, captures, clear))[self.energy > 0]
        if not covered.any():
            return [result]
        uncovered = best[~covered]
        if not uncovered.size or float(uncovered.min()) >= clear:
            return [PRINT_CONTINUITY.not_assessed("card_covered")]
        return [PRINT_CONTINUITY.judge(float(uncovered.min()), policy.calibration)]

    def _covers(self, card: CardCaptures, captures: Sequence[Plane], clear: float) -> list[NDArray[np.bool_]]:
        """(rows, columns) of each capture: true for each cell in use that something from outside covers."""
        used = self.energy > 0
        covers = []
        for role, correlations in zip(card.rectified, captures, strict=True):
            shown = np.zeros(used.shape, dtype=np.bool_)
            shown[used] = correlations >= clear
            frame = self.finder.frame(card.images[role], card.views[role])
            covers.append(covered_cells(shown, used, self.finder, self.finder.evidence(frame)))
        return covers

    def correlations(self, rectified: RGBImage) -> Plane:
        """(cells,): correlation with the template, -1..1, of each cell that is used, in a capture put straight."""
        grey, grid = _half(cv2.cvtColor(rectified, cv2.COLOR_RGB2GRAY)), self.energy.shape
        contrast, share = _centred(local_contrast(grey, _SCALE), self.shown, grid)
        used = self.energy > 0
        together = _means(contrast * self.contrast, grid)[used] / share[used]
        own = _means(contrast * contrast, grid)[used] / share[used]
        return np.asarray(together / np.sqrt(np.maximum(own * self.energy[used], 1e-6)), dtype=np.float32)


def _clear(policy: Policy) -> float:
    """The lowest correlation of a genuine card's worst cell."""
    return policy.calibration.values_of(PRINT_CONTINUITY.name)[0]


def _half(picture: NDArray[Any]) -> NDArray[Any]:
    small = cv2.resize(picture, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=picture.dtype)


def _centred(values: NDArray[Any], shown: Plane, grid: tuple[int, ...]) -> tuple[Plane, Plane]:
    """The shown part of each cell less its mean, and the share of the cell that is shown."""
    share = _means(shown, grid)
    mean = _means(values.astype(np.float32) * shown, grid) / np.maximum(share, 1e-6)
    spread = cv2.resize(mean, shown.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray((values - spread) * shown, dtype=np.float32), share


def _means(values: Plane, grid: tuple[int, ...]) -> Plane:
    """(rows, columns): mean of each cell."""
    return np.asarray(cv2.resize(values, grid[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
