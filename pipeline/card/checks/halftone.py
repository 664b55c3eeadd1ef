"""Checks that the card was not printed in screens of dots, as a four-colour press or an office printer prints.

Each ink lies in its own square grid of dots, turned by its own angle. On the rectified card such a grid is a sharp
peak in the spectrum with a second one at a right angle to it, off the card's own axes. Print that is drawn in lines or
engraved by a laser has none. Dots finer than the sensor's pixels make such a pair at their beat with the pixels.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.spectrum import mean_log_spectrum, whole
from idproof.pipeline.types import CheckResult, Role

RECAPTURE_HALFTONE = Quantity(
    "recapture_halftone",
    "robust deviations",
    "print_screen_found",
    Limit.AT_MOST,
    ratio=True,
    forged=5.0,
    speaks_to=(Hypothesis.COPY, Hypothesis.REPLAY),
)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_DOTS_PER_MM = (2.4, 7.5)  # screens of 60 to 190 lines per inch, divided by 25.4 mm
_RESOLVED = 0.47  # of the capture's pixels per millimetre, just below Nyquist's 0.5: finer dots are not in it
_LEAST_RANGE = 1.0  # dots per millimetre from the coarsest to the finest, below which too few screens would be found
_OFF_AXIS_DEG = 4.0
_LIGHT_PX = 4.0
_WINDOW_BINS = 15  # neighbourhood that a peak is compared with
_SIDE_PX = 640
_CLIP = 3  # mean amplitudes, beyond which edges of strong print would drown the dots
_MAD_TO_DEVIATION = 1.4826  # median absolute deviation to standard deviation, of a normal distribution


@dataclass(frozen=True)
class Halftone(Check):
    """`recapture_halftone`: the strongest grid of dots in any ink, in robust deviations above its surroundings.

    Measured in `card_front`, the capture turned least. Fails with `print_screen_found`; could not be assessed, with
    `card_too_small_for_print_check`, when the capture has too few pixels on the card to show dots.
    """

    reports = (RECAPTURE_HALFTONE,)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the front capture."""
        value = _strongest_grid(card.rectified[Role.CARD_FRONT], card.views[Role.CARD_FRONT], self.document)
        if value is None:
            return [RECAPTURE_HALFTONE.not_assessed("card_too_small_for_print_check")]
        return [RECAPTURE_HALFTONE.judge(value, policy.calibration)]


def _strongest_grid(rectified: RGBImage, view: CardView, document: DocumentType) -> float | None:
    """The strongest pair of peaks in red, green or blue; None when the capture resolves too few screens."""
    coarsest, finest = _DOTS_PER_MM[0], min(_DOTS_PER_MM[1], _RESOLVED * view.px_per_mm)
    if finest - coarsest < _LEAST_RANGE:
        return None
    height, width = rectified.shape[:2]
    side = min(_SIDE_PX, height, width) // 2 * 2
    top, left = (height - side) // 2, (width - side) // 2
    where = _frequencies(side, document.px_per_mm, round(finest, 1))
    found = []
    for plane in np.moveaxis(rectified, 2, 0):
        heights = _peak_heights(plane[top : top + side, left : left + side])
        # The other direction of a square grid is at a right angle, or in its closest neighbourhood.
        partner = np.rot90(cv2.dilate(heights, np.ones((3, 3), dtype=np.uint8)))
        paired = np.minimum(heights, partner)[where]
        middle = float(np.median(paired))
        spread = _MAD_TO_DEVIATION * float(np.median(np.abs(paired - middle)))
        found.append(float(paired.max() - middle) / max(spread, 1e-6))
    return max(found)


def _peak_heights(square: NDArray[np.uint8]) -> Plane:
    """(n - 1, n - 1): logarithm of the amplitude over that around it, frequency zero in the very middle."""
    values = square.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), _LIGHT_PX)
    # Dots are weak and everywhere, unlike the edges of strong print.
    limit = _CLIP * float(np.abs(values).mean())
    np.clip(values, -limit, limit, out=values)
    logarithms = np.fft.fftshift(whole(mean_log_spectrum(values[..., None])))[1:, 1:]
    return np.asarray(logarithms - cv2.blur(logarithms, (_WINDOW_BINS, _WINDOW_BINS)), dtype=np.float32)


@lru_cache(maxsize=32)
def _frequencies(side: int, px_per_mm: float, finest: float) -> NDArray[np.bool_]:
    """(side - 1, side - 1): where a grid's peaks may lie; one half of the spectrum, since the other mirrors it."""
    axis = np.fft.fftshift(np.fft.fftfreq(side))[1:] * px_per_mm
    fx, fy = np.meshgrid(axis, axis)
    length, angle = np.hypot(fx, fy), np.degrees(np.arctan2(np.abs(fy), np.abs(fx)))
    inside = (length > _DOTS_PER_MM[0]) & (length < finest) & (fx > 0)
    return np.asarray(inside & (angle > _OFF_AXIS_DEG) & (angle < 90 - _OFF_AXIS_DEG))
