"""A first look at whether the card itself was before the camera, or a screen or a grey copy of it.

Two questions only, each a check of its own: does the card's surface carry the regular grid of a display (peaks in
the spectrum that no print and no noise makes), and has it colour at all. A press's dots, fine print and a display's
frame are asked for in `halftone`, `fine_print` and `surround`.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView, card_corners_mm, project
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.spectrum import highest_peak, mean_log_spectrum, whole
from idproof.pipeline.types import CheckResult, Role

SCREEN, COPY = "recapture_screen", "recapture_copy"

_TILE = 256  # pixels of the capture, not of the canonical frame: resampling would blur the grid away
_LOW = 0.12  # cycles a pixel; below it the print itself is periodic
_INSET_MM = 3.0


def screen(
    images: Mapping[Role, RGBImage], views: Mapping[Role, CardView], document: DocumentType, policy: Policy
) -> CheckResult:
    """`recapture_screen`: the strongest grid in any capture, in robust standard deviations above its surroundings.

    Fails with `screen_grid_found`; not assessed when no capture shows enough of the card at its own resolution.
    """
    peaks = [p for role, image in images.items() if (p := grid_peak(image, views[role], document)) is not None]
    if not peaks:
        return CheckResult.not_assessed(SCREEN, "card_too_small_for_recapture_check")
    return policy.calibration.at_most(SCREEN, max(peaks), unit="robust deviations", reason="screen_grid_found")


def copy(rectified: Mapping[Role, RGBImage], policy: Policy) -> CheckResult:
    """`recapture_copy`: colourfulness of the least colourful capture; fails with `card_without_colour`.

    The value is the spread of CIE Lab a and b over the card, which a tint of the light does not change much.
    """
    value = min(_chroma_spread(image) for image in rectified.values())
    return policy.calibration.at_least(COPY, value, unit="CIE Lab", reason="card_without_colour")


def grid_peak(image: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """Height of the strongest isolated peak in the card's averaged spectrum, or None when no tile fits.

    Tiles of the capture that lie wholly on the card are windowed and their log spectra averaged: print differs
    from tile to tile, a display's grid stays. Each bin is compared with the mean of its neighbourhood.
    """
    found = tiles(image, view, document)
    if not found:
        return None
    mean = np.mean([mean_log_spectrum(tile) for tile in found], axis=0)
    return highest_peak(np.fft.fftshift(whole(mean)), _high_frequencies())


def _high_frequencies() -> NDArray[np.bool_]:
    axis = np.fft.fftshift(np.fft.fftfreq(_TILE))
    fx, fy = np.meshgrid(axis, axis)
    # The axes themselves carry JPEG's block edges.
    high: NDArray[np.bool_] = (np.hypot(fx, fy) > _LOW) & (np.abs(fx) > 0.01) & (np.abs(fy) > 0.01)
    return high


def tiles(image: RGBImage, view: CardView, document: DocumentType) -> list[RGBImage]:
    """Squares of the capture itself that lie wholly on the card, each half over the next one."""
    middle = card_corners_mm(document).mean(axis=0)
    inset = card_corners_mm(document) + np.sign(middle - card_corners_mm(document)) * _INSET_MM
    outline = project(view.homography, inset).astype(np.float32)
    left, top = np.floor(outline.min(axis=0)).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    found = []
    for y in range(max(0, top), min(bottom, image.shape[0]) - _TILE + 1, _TILE // 2):
        for x in range(max(0, left), min(right, image.shape[1]) - _TILE + 1, _TILE // 2):
            square = [(x, y), (x + _TILE, y), (x + _TILE, y + _TILE), (x, y + _TILE)]
            if all(cv2.pointPolygonTest(outline, (float(u), float(v)), False) >= 0 for u, v in square):
                found.append(image[y : y + _TILE, x : x + _TILE])
    return found


def _chroma_spread(image: RGBImage) -> float:
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(half.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    a, b = (cv2.GaussianBlur(lab[..., i], (0, 0), 1.5) for i in (1, 2))
    return float(np.hypot(a.std(), b.std()))
