"""Do the three captures show one and the same card?

Rectified captures of one card agree in what is printed, the person's portrait and fields above all, whatever the
light; only the optically variable regions may differ.
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

NAME = "same_card"

_ILLUMINATION_MM = 3.0  # what is smoother than this is light, not print
_PRINT_MM = 0.15  # what is finer than this is noise and blur
_SMALLER = 6


def check(rectified: Mapping[Role, RGBImage], document: DocumentType, policy: Policy) -> CheckResult:
    """Agreement of what belongs to the person: the portrait and each printed field.

    Returns:
        `same_card`: value is the normalised correlation, -1..1, of the box that agrees least between any two
        captures. Below the limit it fails with `cards_differ`.
    """
    prints = {role: _print_only(image, document.px_per_mm) for role, image in rectified.items()}
    boxes = [document.portrait, *(spec.box for spec in document.fields if spec.required)]
    agreement = min(_agreement(prints[one], prints[other], boxes, document) for one, other in combinations(prints, 2))
    return policy.calibration.at_least(NAME, agreement, unit="correlation", reason="cards_differ")


def _print_only(image: RGBImage, px_per_mm: float) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _PRINT_MM * px_per_mm)
    # Light varies so smoothly that a small picture holds all of it.
    small = cv2.resize(grey, None, fx=1 / _SMALLER, fy=1 / _SMALLER, interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), _ILLUMINATION_MM * px_per_mm / _SMALLER)
    return np.asarray(fine - cv2.resize(light, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _agreement(one: NDArray[np.float32], other: NDArray[np.float32], boxes: list[Box], document: DocumentType) -> float:
    correlations = []
    for box in boxes:
        left, top, right, bottom = box.pixels(document.px_per_mm)
        a, b = one[top:bottom, left:right], other[top:bottom, left:right]
        spread = float(a.std() * b.std())
        correlations.append(float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0)
    return min(correlations)
