"""Checks that light falls differently on the card in each capture.

A card that is turned by twenty degrees or more under real lamps is lit and reflects differently: the ratio of two
captures of the same print varies over the card. One picture that a computer warped into three poses keeps its light.
"""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import LINEAR_LIGHT
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

LIGHT_MOVES = Quantity(
    "light_moves",
    "log light",
    "light_fixed_to_card",
    Limit.AT_LEAST,
    ratio=True,
    forged=0.0015,
    speaks_to=(Hypothesis.ONE_PICTURE,),
)

# Chosen by hand on tuning cards; no outside source.
_CELL_MM = 4.0
_CLIPPED = 250  # grey level from which on a pixel gives no ratio
_LEAST_KNOWN = 0.6  # share of a cell's pixels that are not clipped
_LEAST_CELLS = 30
_EDGE_CELLS = 1  # fingers hold the card here
_BESIDE_MM = 0.5  # strip beside optically variable regions that is left out
_PERCENTILES = (10, 90)


@dataclass(frozen=True)
class MovingLight(Check):
    """`light_moves`: the least spread of the ratio between two captures, natural logarithms of linear light.

    Fails with `light_fixed_to_card`; could not be assessed, with `card_overexposed`, when too much of the card is
    clipped or dark.
    """

    reports = (LIGHT_MOVES,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Compares the light of every two captures, cell by cell."""
        maps = [_cells(image, self.document) for image in card.rectified.values()]
        spreads = [s for one, other in combinations(maps, 2) if (s := _spread(one, other)) is not None]
        if len(spreads) < len(maps):
            return [LIGHT_MOVES.not_assessed("card_overexposed")]
        return [LIGHT_MOVES.judge(min(spreads), policy.calibration)]


def _cells(image: RGBImage, document: DocumentType) -> NDArray[np.float64]:
    """(rows, columns): mean light of each cell of static print, NaN where it is clipped or varies by design."""
    columns, rows = int(document.width_mm / _CELL_MM), int(document.height_mm / _CELL_MM)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    light = LINEAR_LIGHT[grey]
    light[cv2.dilate(grey, np.ones((3, 3), np.uint8)) > _CLIPPED] = np.nan
    for region in document.regions:
        left, top, right, bottom = region.box.pixels(document.px_per_mm, pad_mm=_BESIDE_MM)
        light[top:bottom, left:right] = np.nan
    height, width = light.shape
    blocks = light[: height // rows * rows, : width // columns * columns]
    blocks = blocks.reshape(rows, height // rows, columns, width // columns)
    known = np.isfinite(blocks).mean(axis=(1, 3)) > _LEAST_KNOWN
    means = np.full((rows, columns), np.nan)
    means[known] = np.nanmean(blocks.transpose(0, 2, 1, 3)[known], axis=(1, 2))
    inner = np.full_like(means, np.nan)
    e = _EDGE_CELLS
    inner[e:-e, e:-e] = means[e:-e, e:-e]
    return inner


def _spread(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    ratio = np.log(one / other)
    ratio = ratio[np.isfinite(ratio)]
    if len(ratio) < _LEAST_CELLS:
        return None
    low, high = np.percentile(ratio, _PERCENTILES)
    return float(high - low)
