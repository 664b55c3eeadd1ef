"""Was the card printed by a four-colour press or an office printer, in screens of dots?

Each ink lies in its own square grid of dots, turned by its own angle. On the card put straight such a grid is a sharp
peak in the spectrum with a second one at a right angle to it, off the card's own axes; what is drawn in lines and
engraved by a laser has none. Dots finer than the sensor's pixels leave such a pair at their beat with the pixels.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.spectrum import mean_log_spectrum, whole
from idproof.pipeline.types import CheckResult

NAME = "recapture_halftone"

_BAND = (2.4, 7.5)  # dots a millimetre: screens of 60 to 190 lines an inch
_RESOLVED = 0.47  # of the capture's pixels a millimetre: finer dots are not in it
_LEAST_BAND = 1.0  # dots a millimetre between the two, below which too few screens would be seen
_OFF_AXIS_DEG = 4.0
_LIGHT_PX = 4.0
_AROUND = 15
_SIDE_PX = 640


def check(rectified: RGBImage, view: CardView, document: DocumentType, policy: Policy) -> CheckResult:
    """`recapture_halftone`: the strongest grid of dots in any ink, in robust deviations above its surroundings.

    Fails with `print_screen_found`; could not be assessed, with `card_too_small_for_print_check`, when the capture
    has too few pixels on the card to show dots.
    """
    value = dots(rectified, view, document)
    if value is None:
        return CheckResult.not_assessed(NAME, "card_too_small_for_print_check")
    return policy.calibration.at_most(NAME, value, unit="robust deviations", reason="print_screen_found")


def dots(rectified: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """The strongest pair of peaks in red, green or blue within the band that the capture resolves; None without one."""
    finest = min(_BAND[1], _RESOLVED * view.px_per_mm)
    if finest - _BAND[0] < _LEAST_BAND:
        return None
    height, width = rectified.shape[:2]
    side = min(_SIDE_PX, height, width) // 2 * 2
    top, left = (height - side) // 2, (width - side) // 2
    where = _frequencies(side, document.px_per_mm, round(finest, 1))
    found = []
    for plane in np.moveaxis(rectified, 2, 0):
        heights = _heights(plane[top : top + side, left : left + side])
        # At a right angle, and in its closest neighbourhood: the square grid's other direction.
        partner = np.rot90(cv2.dilate(heights, np.ones((3, 3), dtype=np.uint8)))
        paired = np.minimum(heights, partner)[where]
        middle = float(np.median(paired))
        spread = 1.4826 * float(np.median(np.abs(paired - middle)))
        found.append(float(paired.max() - middle) / max(spread, 1e-6))
    return max(found)


def _heights(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n - 1, n - 1): logarithm of the amplitude over its surroundings', frequency zero in the very middle."""
    values = square.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), _LIGHT_PX)
    # Edges of strong print would drown what is fine; dots are weak and everywhere.
    limit = 3 * float(np.abs(values).mean())
    np.clip(values, -limit, limit, out=values)
    logarithms = np.fft.fftshift(whole(mean_log_spectrum(values[..., None])))[1:, 1:]
    return np.asarray(logarithms - cv2.blur(logarithms, (_AROUND, _AROUND)), dtype=np.float32)


@lru_cache(maxsize=32)
def _frequencies(side: int, px_per_mm: float, finest: float) -> NDArray[np.bool_]:
    """(side - 1, side - 1): where a grid's peaks may lie; half of all, since the other half mirrors it."""
    axis = np.fft.fftshift(np.fft.fftfreq(side))[1:] * px_per_mm
    fx, fy = np.meshgrid(axis, axis)
    length, angle = np.hypot(fx, fy), np.degrees(np.arctan2(np.abs(fy), np.abs(fx)))
    inside = (length > _BAND[0]) & (length < finest) & (fx > 0)
    return np.asarray(inside & (angle > _OFF_AXIS_DEG) & (angle < 90 - _OFF_AXIS_DEG))
