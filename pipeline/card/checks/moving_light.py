"""Does light fall differently on the card in each capture, as it must when a card is turned under real lamps?

Turned by twenty degrees and more, a card is lit and mirrors otherwise: the ratio of two captures, print against the
same print, is not the same all over the card. One picture warped on a computer into three poses keeps its light.
"""

from collections.abc import Mapping
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import CheckResult, Role

NAME = "light_moves"

_CELL_MM = 4.0
_CLIPPED = 250  # what is brighter tells no ratio
_EDGE_CELLS = 1  # fingers hold the card here
_LINEAR = (np.arange(256) / 255.0) ** 2.2  # of a grey level, about


def check(rectified: Mapping[Role, RGBImage], document: DocumentType, policy: Policy) -> CheckResult:
    """`light_moves`: the least spread of the ratio between two captures, natural logarithms of linear light.

    Fails with `light_fixed_to_card`; could not be assessed when too much of the card is clipped or dark.
    """
    maps = {role: _cells(image, document) for role, image in rectified.items()}
    spreads = [s for one, other in combinations(maps, 2) if (s := _spread(maps[one], maps[other])) is not None]
    if len(spreads) < len(maps):
        return CheckResult.not_assessed(NAME, "card_overexposed")
    return policy.calibration.at_least(NAME, min(spreads), unit="log light", reason="light_fixed_to_card")


def _cells(image: RGBImage, document: DocumentType) -> NDArray[np.float64]:
    """(rows, columns): mean light of each cell of static print, NaN where it is clipped or varies by design."""
    columns, rows = int(document.width_mm / _CELL_MM), int(document.height_mm / _CELL_MM)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    light = _LINEAR[grey]
    light[cv2.dilate(grey, np.ones((3, 3), np.uint8)) > _CLIPPED] = np.nan
    for region in document.regions:
        _blank(light, region.box, document.px_per_mm)
    height, width = light.shape
    blocks = light[: height // rows * rows, : width // columns * columns]
    blocks = blocks.reshape(rows, height // rows, columns, width // columns)
    known = np.isfinite(blocks).mean(axis=(1, 3)) > 0.6
    means = np.full((rows, columns), np.nan)
    means[known] = np.nanmean(blocks.transpose(0, 2, 1, 3)[known], axis=(1, 2))
    inner = np.full_like(means, np.nan)
    e = _EDGE_CELLS
    inner[e:-e, e:-e] = means[e:-e, e:-e]
    return inner


def _blank(light: NDArray[np.float64], box: Box, px_per_mm: float) -> None:
    left, top, right, bottom = box.pixels(px_per_mm, pad_mm=0.5)
    light[top:bottom, left:right] = np.nan


def _spread(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    ratio = np.log(one / other)
    ratio = ratio[np.isfinite(ratio)]
    if len(ratio) < 30:
        return None
    low, high = np.percentile(ratio, (10, 90))
    return float(high - low)
