"""Checks that the card's surface does not carry the regular pixel grid of a display.

A grid makes peaks in the spectrum that neither print nor noise makes.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import TILE_PX, card_tiles
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.spectrum import highest_peak, mean_log_spectrum, whole
from idproof.pipeline.types import CheckResult

RECAPTURE_SCREEN = Quantity(
    "recapture_screen",
    "robust deviations",
    "screen_grid_found",
    Limit.AT_MOST,
    ratio=True,
    # Nine monitors of tuning cards gave 3.7 to 21.4, four of them 15 or more; 178 genuine cards 11.5 at most. Chosen by
    # hand between; telephones hardly differ from genuine cards.
    forged=13.0,
    speaks_to=(Hypothesis.DISPLAY, Hypothesis.REPLAY),
)

# Cycles per pixel. Chosen by hand on tuning cards; no outside source.
_LOWEST = 0.12  # below it the print itself is periodic
_OFF_AXIS = 0.01  # the axes themselves carry the block edges of JPEG
_MOST_PX_PER_MM = 20.0
"""A larger picture of the card is made smaller: what a telephone's digital zoom adds lies in finer grids than those of
monitors, which have up to about 8 pixels per millimetre (200 per inch). Chosen by hand; no outside source."""


@dataclass(frozen=True)
class DisplayGrid(Check):
    """`recapture_screen`: the second strongest grid of the captures, in robust deviations above its surroundings.

    Fails with `screen_grid_found`; could not be assessed, with `card_too_small_for_recapture_check`, when no capture
    shows enough of the card at its own resolution.
    """

    reports = (RECAPTURE_SCREEN,)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Takes the second highest peak, or the only one."""
        found = (grid_peak(image, card.views[role], self.document) for role, image in card.images.items())
        peaks = [peak for peak in found if peak is not None]
        if not peaks:
            return [RECAPTURE_SCREEN.not_assessed("card_too_small_for_recapture_check")]
        # Patterned surroundings and compression make a peak in one capture; a display has its grid in every one.
        return [RECAPTURE_SCREEN.judge(sorted(peaks)[-min(2, len(peaks))], policy.calibration)]


def grid_peak(image: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """Height of the strongest isolated peak in the card's averaged spectrum; None when no tile fits on the card.

    Tiles of the capture that lie wholly on the card are windowed and their log spectra averaged: print differs from
    tile to tile, and a display's grid stays. Each frequency is compared with the mean of its neighbourhood.
    """
    tiles = card_tiles(*_not_larger(image, view), document)
    if not tiles:
        return None
    mean = np.mean([mean_log_spectrum(tile) for tile in tiles], axis=0)
    return highest_peak(np.fft.fftshift(whole(mean)), _high_frequencies())


def _not_larger(image: RGBImage, view: CardView) -> tuple[RGBImage, CardView]:
    factor = _MOST_PX_PER_MM / view.px_per_mm
    if factor >= 1:
        return image, view
    smaller = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    size = smaller.shape[1], smaller.shape[0]
    homography = np.diag([factor, factor, 1.0]) @ view.homography
    return smaller, replace(view, homography=homography, size=size, px_per_mm=_MOST_PX_PER_MM)


@lru_cache(maxsize=1)
def _high_frequencies() -> NDArray[np.bool_]:
    axis = np.fft.fftshift(np.fft.fftfreq(TILE_PX))
    fx, fy = np.meshgrid(axis, axis)
    high: NDArray[np.bool_] = (np.hypot(fx, fy) > _LOWEST) & (np.abs(fx) > _OFF_AXIS) & (np.abs(fy) > _OFF_AXIS)
    return high
