"""Checks that the three captures show one and the same card.

Rectified captures of one card agree in the print, above all in the person's portrait and fields, in any light. Only
the optically variable regions may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.imaging import Plane
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box
from idproof.pipeline.types import CheckResult

SAME_CARD = Quantity("same_card", "correlation", "cards_differ", Limit.AT_LEAST, lost_in_darkness=True)

# Chosen by hand on tuning cards; no outside source.
_LIGHT_MM = 3.0  # anything smoother is light, not print
_FINE_MM = 0.15  # anything finer is noise and blur
_REDUCTION = 6  # light varies so slowly that a picture this many times smaller holds all of it


@dataclass(frozen=True)
class SameCard(Check):
    """`same_card`: correlation, -1..1, of the box that agrees least between any two captures.

    The boxes are the portrait and each required field. Fails with `cards_differ`.
    """

    reports = (SAME_CARD,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Correlates the print of every two captures, box by box."""
        document = self.document
        prints = [_print_only(image, document.px_per_mm) for image in card.rectified.values()]
        boxes = [document.portrait, *(spec.box for spec in document.fields if spec.required)]
        agreement = min(_agreement(one, other, boxes, document.px_per_mm) for one, other in combinations(prints, 2))
        return [SAME_CARD.judge(agreement, policy.calibration)]


def _print_only(image: RGBImage, px_per_mm: float) -> Plane:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _FINE_MM * px_per_mm)
    small = cv2.resize(grey, None, fx=1 / _REDUCTION, fy=1 / _REDUCTION, interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), _LIGHT_MM * px_per_mm / _REDUCTION)
    return np.asarray(fine - cv2.resize(light, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _agreement(one: Plane, other: Plane, boxes: Sequence[Box], px_per_mm: float) -> float:
    correlations = []
    for box in boxes:
        left, top, right, bottom = box.pixels(px_per_mm)
        a, b = one[top:bottom, left:right], other[top:bottom, left:right]
        spread = float(a.std() * b.std())
        correlations.append(float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0)
    return min(correlations)
