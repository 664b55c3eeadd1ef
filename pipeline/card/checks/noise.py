"""Checks that the portrait and the fields carry the noise of the card around them.

One exposure puts one noise over the whole card. A picture laid into a capture on a computer brings the noise of another
camera, or none (Mahdian and Saic, "Using noise inconsistencies for blind image forensics", 2009). Material glued or
printed over the card brings its own grain. Flat places of about equal brightness, inside and just outside, are
compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.imaging import Plane, noise_map
from idproof.pipeline.card.template import boxes_over_print
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import CheckResult

PORTRAIT_NOISE = Quantity("portrait_noise", "log noise", "portrait_of_other_grain", Limit.WITHIN, lost_in_darkness=True)
FIELD_NOISE = Quantity(
    "field_noise", "log noise", "field_of_other_grain", Limit.AT_MOST, ratio=True, lost_in_darkness=True
)

# Chosen by hand on tuning cards; no outside source.
_BLOCK_PX = 6
_INSIDE_MM = 0.5  # the box's edge is left out
_AROUND_MM = (0.8, 3.0)  # the strip outside the box that it is compared with
_BESIDE_MM = 0.3  # strip beside other boxes that is left out of it
_QUANTILES = np.linspace(0.02, 0.35, 8)  # of the blocks' noise: the share that is flat shows noise, not print
_UNCLIPPED = (8, 247)  # grey levels
_SAME_BRIGHTNESS = 30  # grey levels. Noise depends on brightness
_LEAST_BLOCKS = 12
_LEAST_FIELDS = 3


class _Blocks(NamedTuple):
    """Noise and brightness of each block of the card."""

    noise: Plane
    light: Plane


@dataclass(frozen=True)
class Noise(Check):
    """`portrait_noise` and `field_noise`; each could not be assessed, with `card_overexposed`, without flat places.

    The first value is the natural logarithm of the portrait's noise over that of the card around it, the median of
    the captures; it fails with `portrait_of_other_grain`. The second is the same of the field that differs most from
    the median field, as a distance; it fails with `field_of_other_grain`.
    """

    reports = (PORTRAIT_NOISE, FIELD_NOISE)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the blocks of every capture once for both quantities."""
        captures = [_blocks(image) for image in card.rectified.values()]
        return [self._portrait(captures, policy), self._fields(captures, policy)]

    def _portrait(self, captures: Sequence[_Blocks], policy: Policy) -> CheckResult:
        value = self._median_ratio(captures, self.document.portrait)
        if value is None:
            return PORTRAIT_NOISE.not_assessed("card_overexposed")
        return PORTRAIT_NOISE.judge(value, policy.calibration)

    def _fields(self, captures: Sequence[_Blocks], policy: Policy) -> CheckResult:
        boxes = [spec.box for spec in self.document.fields if spec.required]
        values = [r for box in boxes if (r := self._median_ratio(captures, box)) is not None]
        if len(values) < _LEAST_FIELDS:
            return FIELD_NOISE.not_assessed("card_overexposed")
        value = float(np.abs(np.array(values) - np.median(values)).max())
        return FIELD_NOISE.judge(value, policy.calibration)

    def _median_ratio(self, captures: Sequence[_Blocks], box: Box) -> float | None:
        found = [r for blocks in captures if (r := _log_ratio(blocks, box, self.document)) is not None]
        return float(np.median(found)) if found else None


def _blocks(rectified: RGBImage) -> _Blocks:
    green = np.ascontiguousarray(rectified[..., 1]).astype(np.float32)
    size = green.shape[1] // _BLOCK_PX, green.shape[0] // _BLOCK_PX
    noise, light = (cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (noise_map(green), green))
    return _Blocks(np.asarray(noise, dtype=np.float32), np.asarray(light, dtype=np.float32))


def _log_ratio(blocks: _Blocks, box: Box, document: DocumentType) -> float | None:
    """Natural logarithm of the noise inside over that around, at a brightness that both have; None without any."""
    noise, light = blocks
    usable = (light > _UNCLIPPED[0]) & (light < _UNCLIPPED[1])
    inside, around = _masks(noise.shape, box, document)
    inside &= usable
    around &= usable
    if min(inside.sum(), around.sum()) < _LEAST_BLOCKS:
        return None
    near = np.abs(light - np.median(light[around])) < _SAME_BRIGHTNESS
    if (inside & near).sum() >= _LEAST_BLOCKS:
        inside &= near
    levels = [float(np.quantile(noise[where], _QUANTILES).mean()) for where in (inside, around)]
    return float(np.log(max(levels[0], 1e-3) / max(levels[1], 1e-3)))


def _masks(shape: tuple[int, ...], box: Box, document: DocumentType) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Blocks inside a box, and blocks of static print just outside."""
    scale = document.px_per_mm / _BLOCK_PX
    inside, around = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    inside[_slices(box, scale, -_INSIDE_MM)] = True
    nearest, furthest = _AROUND_MM
    around[_slices(box, scale, furthest)] = True
    around[_slices(box, scale, nearest)] = False
    for other in boxes_over_print(document):
        around[_slices(other, scale, _BESIDE_MM)] = False
    return inside, around


def _slices(box: Box, scale: float, pad_mm: float) -> tuple[slice, slice]:
    left, top, right, bottom = box.pixels(scale, pad_mm=pad_mm)
    return slice(top, bottom), slice(left, right)
