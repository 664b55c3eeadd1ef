"""Checks that no capture was warped on a computer after it was taken.

A resampled pixel is predictable from its neighbours, to a degree that varies periodically with its place between the
original pixels: along a line the second differences rise and fall (Gallagher, "Detection of linear and cubic
interpolation in JPEG compressed images", 2005; Kirchner, 2008). The period follows the warp and so differs from place
to place. Each tile of the card is measured by itself, and the median tile counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.imaging import card_tiles
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

RESAMPLING = Quantity("resampling", "median of the spectrum", "capture_resampled", Limit.AT_MOST, ratio=True)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_LOWEST, _HIGHEST = 0.05, 0.48  # cycles per pixel
_TILES = 6
_CLIP = 3  # medians of the second differences, beyond which strong print would drown the rest
_JPEG_BLOCK_PX = 8  # ISO/IEC 10918-1: blocks leave peaks at multiples of an eighth of a cycle per pixel
_OFF_JPEG = 0.12  # distance from those multiples, as a share of an eighth


@dataclass(frozen=True)
class Resampling(Check):
    """`resampling`: the period's height over the spectrum around it: median of the tiles, highest of the captures.

    Fails with `capture_resampled`; could not be assessed, with `card_too_small_for_recapture_check`, when no tile fits
    on the card.
    """

    reports = (RESAMPLING,)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Takes the highest value of all captures."""
        measured = (periodicity(image, card.views[role], self.document) for role, image in card.images.items())
        found = [value for value in measured if value is not None]
        if not found:
            return [RESAMPLING.not_assessed("card_too_small_for_recapture_check")]
        return [RESAMPLING.judge(max(found), policy.calibration)]


def periodicity(image: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """The value of one capture; None when no tile fits on the card."""
    tiles = card_tiles(image, view, document)
    sample = tiles[:: max(1, len(tiles) // _TILES)]  # a warp affects the whole card
    found = [max(_peak(tile[..., 1]), _peak(tile[..., 1].T)) for tile in sample]
    return float(np.median(found)) if found else None


def _peak(plane: NDArray[np.uint8]) -> float:
    values = plane.astype(np.float32)
    second = np.abs(2 * values[:, 1:-1] - values[:, :-2] - values[:, 2:])
    profile = np.minimum(second, _CLIP * float(np.median(second)) + 1).mean(axis=0)
    spectrum = np.abs(fft.rfft((profile - profile.mean()) * np.hanning(len(profile))))
    frequencies = np.fft.rfftfreq(len(profile))
    eighths = frequencies * _JPEG_BLOCK_PX
    off_jpeg = np.abs(eighths - np.rint(eighths)) > _OFF_JPEG
    band = spectrum[(frequencies > _LOWEST) & (frequencies < _HIGHEST) & off_jpeg]
    return float(band.max() / max(float(np.median(band)), 1e-6))
