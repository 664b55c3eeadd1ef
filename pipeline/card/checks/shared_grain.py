"""Checks that the captures are exposures of their own: no two share the noise of one exposure.

A camera's noise is drawn anew for every picture. Captures that a program warped out of one photograph carry that
photograph's noise at the same places of the card, below whatever noise was added afterwards. Lukáš, Fridrich and
Goljan, "Digital camera identification from sensor pattern noise" (2006), correlate residuals for noise that belongs to
a sensor; here it is the noise of one exposure.

The captures are brought into one frame, and a kernel removes what straight edges and slopes explain. The static print
leaves something, too, in genuine captures as well. So the product of two captures' residuals is regressed on how steep
and how detailed the print around each pixel is: the part for no print at all is the shared noise.

It is a sign that only careless programs leave. A program that reduces the photograph's noise leaves nothing to find,
whether it adds new noise or not; nor do genuine captures of telephones that reduce noise strongly. So captures with
little noise are no objection: the shared part is divided by the noise of usual captures, and stays small.
"""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.alignment import align
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane, noise_residual
from idproof.pipeline.card.template import static_print_mask
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult

SHARED_GRAIN = Quantity(
    "shared_grain",
    "share of noise",
    "captures_share_grain",
    Limit.AT_MOST,
    forged=0.3,
    speaks_to=(Hypothesis.ONE_PICTURE,),
)

# Chosen by hand on tuning cards; no outside source.
_EDGE_MM, _BESIDE_MM = 3.0, 0.3  # beside the card's edge and beside other boxes, left out
_UNCLIPPED = (15, 245)  # grey levels
_CLIPPED_AROUND_PX = 5
_SOFT_PX = 0.8  # standard deviation of the blur before the kernel: finer noise was lost when the frames were made
_SLOPE_PX, _DETAIL_PX = 1.2, 1.6  # standard deviations of the blurs that leave print without noise
_AROUND_PX = 11  # side of the square whose print is held responsible for a pixel's residual
_FLATTER_SHARE = 0.5  # of the static print, by its slopes, that is looked at
_LEAST_PIXELS = 20_000
_OUTLIERS = 4.0  # medians of the residual, beyond which a pixel counts no more
_PRINT_WEIGHT = 0.3  # share of the greatest print at which a pixel's weight is a quarter of that without print
_USUAL_VARIANCE = 0.06
"""Grey levels squared that the shared part is divided by at least, so that what is left of the print in a capture with
little noise does not count as shared noise. A twentieth of 120 tuning cards have less noise."""


@dataclass(frozen=True)
class SharedGrain(Check):
    """`shared_grain`: shared noise over all noise, of the two captures that share most; 0 when they share none.

    Fails with `captures_share_grain`. Could not be assessed, with `card_overexposed`, when too little flat print is
    seen, and with `grain_not_seen` when the captures cannot be aligned.
    """

    reports = (SHARED_GRAIN,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the noise that every two captures share."""
        frames = align(card.images, card.rectified, card.views, self.document)
        if frames is None:
            return [SHARED_GRAIN.not_assessed("grain_not_seen")]
        light = [
            np.asarray(cv2.cvtColor(frame.astype(np.float32), cv2.COLOR_RGB2GRAY), dtype=np.float32) for frame in frames
        ]
        usable = _unclipped(light, self._static())
        if np.count_nonzero(usable) < _LEAST_PIXELS:
            return [SHARED_GRAIN.not_assessed("card_overexposed")]
        return [SHARED_GRAIN.judge(max(_shared_shares(light, usable)), policy.calibration)]

    def _static(self) -> NDArray[np.bool_]:
        mask = static_print_mask(self.document, _BESIDE_MM)
        edge = round(_EDGE_MM * self.document.px_per_mm)
        mask[:edge] = mask[-edge:] = False
        mask[:, :edge] = mask[:, -edge:] = False
        return mask


def _unclipped(light: list[Plane], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    low, high = _UNCLIPPED
    clipped = (np.min(light, axis=0) < low) | (np.max(light, axis=0) > high)
    square = np.ones((_CLIPPED_AROUND_PX, _CLIPPED_AROUND_PX), np.uint8)
    return np.asarray(usable & (cv2.dilate(clipped.astype(np.uint8), square) == 0))


def _shared_shares(light: list[Plane], usable: NDArray[np.bool_]) -> list[float]:
    """Shared noise over all noise for every two captures."""
    mean = np.asarray(np.mean(light, axis=0), dtype=np.float32)
    smooth = cv2.GaussianBlur(mean, (0, 0), _SLOPE_PX)
    slope = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    steepest = cv2.dilate(slope, np.ones((_AROUND_PX, _AROUND_PX), np.uint8))
    detail = cv2.blur(noise_residual(cv2.GaussianBlur(mean, (0, 0), _DETAIL_PX)) ** 2, (_AROUND_PX, _AROUND_PX))
    flatter = usable & (steepest <= np.quantile(steepest[usable], _FLATTER_SHARE))
    fit = _PrintFit(np.column_stack([_scaled(steepest[flatter] ** 2), _scaled(detail[flatter])]))
    residuals = [_limited(noise_residual(cv2.GaussianBlur(plane, (0, 0), _SOFT_PX))[flatter]) for plane in light]
    own = [fit.without_print(residual**2) for residual in residuals]
    return [
        fit.without_print(residuals[one] * residuals[other])
        / max(float(np.sqrt(max(own[one], 0.0) * max(own[other], 0.0))), _USUAL_VARIANCE)
        for one, other in combinations(range(len(light)), 2)
    ]


class _PrintFit:
    """A weighted least squares fit of products of residuals by the print around: print makes products vary more.

    Args:
        print_there: (n, 2), amount of print at each pixel, 0..1.
    """

    def __init__(self, print_there: NDArray[np.float64]) -> None:
        terms = np.column_stack([np.ones(len(print_there)), print_there])
        self._weighted = terms / (_PRINT_WEIGHT + print_there.sum(axis=1, keepdims=True)) ** 2
        self._normal = self._weighted.T @ terms

    def without_print(self, products: NDArray[np.float32]) -> float:
        """Returns the products' mean where there would be no print."""
        return float(np.linalg.solve(self._normal, self._weighted.T @ products)[0])


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The values over their greatest, which keeps the equations well conditioned."""
    return np.asarray(values / max(float(values.max()), 1e-9), dtype=np.float64)


def _limited(residual: Plane) -> Plane:
    most = _OUTLIERS * float(np.median(np.abs(residual)))
    return residual.clip(-most, most)
