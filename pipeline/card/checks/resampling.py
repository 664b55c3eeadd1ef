"""Was a capture warped on a computer after it was taken?

A pixel that was computed from its neighbours is told by them, more or less so as its place between them comes and
goes: along a line the second differences wax and wane in a rhythm (Gallagher, "Detection of linear and cubic
interpolation in JPEG compressed images", 2005; Kirchner, 2008). The rhythm follows the warp and so differs from place
to place; each tile of the card is asked by itself, and the card is as suspect as the tile in the middle.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.recapture import tiles
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Role

NAME = "resampling"

_LOW, _HIGH = 0.05, 0.48  # cycles a pixel
_TILES = 6
_JPEG = 8  # its blocks leave multiples of an eighth


def check(
    images: Mapping[Role, RGBImage], views: Mapping[Role, CardView], document: DocumentType, policy: Policy
) -> CheckResult:
    """`resampling`: the rhythm's height over the spectrum around, median of the tiles, highest of the captures.

    Fails with `capture_resampled`; not assessed, with `card_too_small_for_recapture_check`, where no tile fits.
    """
    found = [r for role, image in images.items() if (r := rhythm(image, views[role], document)) is not None]
    if not found:
        return CheckResult.not_assessed(NAME, "card_too_small_for_recapture_check")
    return policy.calibration.at_most(NAME, max(found), unit="median of the spectrum", reason="capture_resampled")


def rhythm(image: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """Of one capture; None without a tile."""
    all_over = tiles(image, view, document)
    some = all_over[:: max(1, len(all_over) // _TILES)]  # a warp is all over the card
    found = [max(_peak(tile[..., 1]), _peak(tile[..., 1].T)) for tile in some]
    return float(np.median(found)) if found else None


def _peak(plane: NDArray[np.uint8]) -> float:
    values = plane.astype(np.float32)
    second = np.abs(2 * values[:, 1:-1] - values[:, :-2] - values[:, 2:])
    # Strong print would drown the rhythm of what is between.
    profile = np.minimum(second, 3 * float(np.median(second)) + 1).mean(axis=0)
    spectrum = np.abs(fft.rfft((profile - profile.mean()) * np.hanning(len(profile))))
    frequencies = np.fft.rfftfreq(len(profile))
    off_jpeg = np.abs(frequencies * _JPEG - np.rint(frequencies * _JPEG)) > 0.12
    band = spectrum[(frequencies > _LOW) & (frequencies < _HIGH) & off_jpeg]
    return float(band.max() / max(float(np.median(band)), 1e-6))
