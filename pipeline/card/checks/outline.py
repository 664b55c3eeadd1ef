"""Checks that the card's outline has the corners and the proportions of an ISO/IEC 7810 ID-1 card.

The print determines where the outline must be. Each side is found as the step from the card to its surroundings, close
to that place, and each corner's rounding along its diagonal. A picture on a screen continues beyond the corners; a copy
is cut by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.imaging import warp_with_margin
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

CARD_CORNERS = Quantity("card_corners", "mm", "corners_not_rounded_as_issued", Limit.WITHIN)
CARD_ASPECT = Quantity("card_aspect", "share of the type's", "outline_of_other_proportions", Limit.WITHIN)

_ROUNDING_DEPTH = np.sqrt(2) - 1  # depth of a rounding on its corner's diagonal over its radius, by geometry
# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_PX_PER_MM = 8.0
_MARGIN_MM = 4.0
_STEP_MM = 0.1
_DIAGONAL_MM = (-2.5, 4.0)  # sampled from outside to inside, 0 at the sharp corner
# Where on the diagonal the edge may lie. ISO/IEC 7810 allows radii of 2.88 to 3.48 mm, which lie at 1.19 to 1.44 mm.
_ROUNDING_MM = (-0.6, 2.4)
_BESIDE_DIAGONAL_MM = np.linspace(-0.5, 0.5, 11)  # parallels of the diagonal that are sampled too
_ACROSS_MM = (-3.0, 2.0)  # sampled across a side, from inside to outside
_SIDE_MM = (-1.2, 1.0)  # where across a side the edge may lie
_OFF_CORNER_MM, _ALONG_STEP_MM = 6.0, 0.25  # samples along a side stay off its corners
_CONTRAST = 14.0  # grey levels, as a distance in RGB, between the card and its surroundings
_LEAST_CORNERS, _LEAST_SIDE_SAMPLES = 4, 40

_Profiles = NDArray[np.float32]


@dataclass(frozen=True)
class Outline(Check):
    """`card_corners` and `card_aspect`.

    The values are the corners' radius in millimetres, a median over corners and captures, and the outline's width over
    its height as a share of the type's, a median over captures. They fail with `corners_not_rounded_as_issued` and
    `outline_of_other_proportions`. Each could not be assessed, with `outline_not_seen`, when the card hardly stands
    out from its surroundings.
    """

    reports = (CARD_CORNERS, CARD_ASPECT)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the outline of every capture."""
        frames = [
            warp_with_margin(card.images[role], view, self.document, px_per_mm=_PX_PER_MM, margin_mm=_MARGIN_MM)
            for role, view in card.views.items()
        ]
        radii = [radius for frame in frames for radius in _corner_radii(frame, self.document)]
        shares = [share for frame in frames if (share := _proportions(frame, self.document)) is not None]
        return [
            _judge_median(CARD_CORNERS, radii, _LEAST_CORNERS, policy),
            _judge_median(CARD_ASPECT, shares, 1, policy),
        ]


def _judge_median(quantity: Quantity, values: Sequence[float], least: int, policy: Policy) -> CheckResult:
    if len(values) < least:
        return quantity.not_assessed("outline_not_seen")
    return quantity.judge(float(np.median(values)), policy.calibration)


def _corner_radii(frame: RGBImage, document: DocumentType) -> list[float]:
    """Radius in millimetres of each corner that stands out from its surroundings."""
    along = np.arange(*_DIAGONAL_MM, _STEP_MM)
    found = []
    for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)):
        inwards = np.array([1 - 2 * x, 1 - 2 * y]) / np.sqrt(2)
        beside = np.array([-inwards[1], inwards[0]])
        corner = np.array([x * document.width_mm, y * document.height_mm])
        points = corner + along[None, :, None] * inwards + _BESIDE_DIAGONAL_MM[:, None, None] * beside
        places = _steps(_sample(frame, points), along, _ROUNDING_MM)
        if len(places) > len(_BESIDE_DIAGONAL_MM) // 2:
            found.append(float(np.mean(places) / _ROUNDING_DEPTH))
    return found


def _proportions(frame: RGBImage, document: DocumentType) -> float | None:
    """Width over height of the outline as a share of the type's; None when a side does not stand out."""
    w, h = document.width_mm, document.height_mm
    left, right = (_side(frame, x, h, upright=True) for x in (0.0, w))
    top, bottom = (_side(frame, y, w, upright=False) for y in (0.0, h))
    if left is None or right is None or top is None or bottom is None:
        return None
    # Each is measured inwards from its expected place.
    return float(((w - left - right) / w) / ((h - top - bottom) / h))


def _side(frame: RGBImage, at: float, length: float, *, upright: bool) -> float | None:
    """Distance in millimetres by which a side lies inside its expected place; None when it does not stand out."""
    across = np.arange(-_ACROSS_MM[1], -_ACROSS_MM[0], _STEP_MM)  # outside to inside
    sign = 1.0 if at == 0 else -1.0
    along = np.arange(_OFF_CORNER_MM, length - _OFF_CORNER_MM, _ALONG_STEP_MM)
    one = np.broadcast_to(at + sign * across, (len(along), len(across)))
    other = np.broadcast_to(along[:, None], one.shape)
    points = np.stack((one, other) if upright else (other, one), axis=-1)
    places = _steps(_sample(frame, points), across, _SIDE_MM)
    return float(np.median(places)) if len(places) >= _LEAST_SIDE_SAMPLES else None


def _steps(profiles: _Profiles, along: NDArray[np.float64], within: tuple[float, float]) -> NDArray[np.float64]:
    """Places where the profiles (n, length, 3) step from one colour to another; profiles without a step are left out.

    The step divides a profile into two parts whose mean colours differ most, weighted by their lengths. A parabola
    through the neighbouring places gives a fraction of a sample.
    """
    length = profiles.shape[1]
    so_far = np.cumsum(profiles, axis=1)
    counts = np.arange(1, length + 1, dtype=np.float32)[:, None]
    first = so_far / counts
    second = (so_far[:, -1:] - so_far)[:, :-1] / (length - counts[:-1])
    difference = np.linalg.norm(first[:, :-1] - second, axis=2)
    weight = np.sqrt(counts[:-1, 0] * (length - counts[:-1, 0]))
    allowed = (along[:-1] >= within[0]) & (along[:-1] <= within[1])
    gain = difference * weight
    best = np.where(allowed, gain, 0).argmax(axis=1)
    clear = difference[np.arange(len(best)), best] > _CONTRAST
    rows, best = np.arange(len(best))[clear], best[clear]
    before, here, after = (gain[rows, np.clip(best + i, 0, gain.shape[1] - 1)] for i in (-1, 0, 1))
    curve = np.minimum(before - 2 * here + after, -1e-6)
    return np.asarray(along[best] + _STEP_MM * (0.5 + np.clip(0.5 * (before - after) / curve, -0.5, 0.5)))


def _sample(frame: RGBImage, points: NDArray[np.float64]) -> _Profiles:
    """Colours at points (…, 2) in millimetres on the card."""
    places = ((points + _MARGIN_MM) * _PX_PER_MM - 0.5).astype(np.float32)
    sampled = cv2.remap(frame, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    return np.asarray(sampled, dtype=np.float32)
