"""Do the portrait and the fields carry the noise of the card around them?

One exposure puts one noise over the whole card. What was laid into a capture on a computer brings the noise of another
camera, or none (Mahdian and Saic, "Using noise inconsistencies for blind image forensics", 2009); what was glued or
printed over the card brings its own grain. Compared are flat places of about equal brightness, inside and just
outside; the noise by Immerkær, "Fast noise variance estimation" (1996).
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import CheckResult, Role

PORTRAIT, FIELDS = "portrait_noise", "field_noise"

_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_BLOCK_PX = 6
_AROUND_MM = 3.0
_FLAT = 0.35  # share of the blocks that is flat enough to show noise and not print
_CLIPPED = (8, 247)
_LEAST_BLOCKS = 12
_LEAST_FIELDS = 3

_Map = NDArray[np.float32]


def check(rectified: Mapping[Role, RGBImage], document: DocumentType, policy: Policy) -> list[CheckResult]:
    """`portrait_noise` and `field_noise`, each could not be assessed, with `card_overexposed`, where nothing is flat.

    The first's value is the natural logarithm of the portrait's noise over that of the card around it, the median of
    the captures; it fails with `portrait_of_other_grain`. The second's is the same of the field that differs most
    from the median field, as a distance; it fails with `field_of_other_grain`.
    """
    captures = [maps(image) for image in rectified.values()]
    return [_portrait(captures, document, policy), _fields(captures, document, policy)]


def _portrait(captures: Sequence[tuple[_Map, _Map]], document: DocumentType, policy: Policy) -> CheckResult:
    value = _median_ratio(captures, document.portrait, document)
    if value is None:
        return CheckResult.not_assessed(PORTRAIT, "card_overexposed")
    return policy.calibration.within(PORTRAIT, value, unit="log noise", reason="portrait_of_other_grain")


def _fields(captures: Sequence[tuple[_Map, _Map]], document: DocumentType, policy: Policy) -> CheckResult:
    boxes = [spec.box for spec in document.fields if spec.required]
    values = [r for box in boxes if (r := _median_ratio(captures, box, document)) is not None]
    if len(values) < _LEAST_FIELDS:
        return CheckResult.not_assessed(FIELDS, "card_overexposed")
    value = float(np.abs(np.array(values) - np.median(values)).max())
    return policy.calibration.at_most(FIELDS, value, unit="log noise", reason="field_of_other_grain")


def _median_ratio(captures: Sequence[tuple[_Map, _Map]], box: Box, document: DocumentType) -> float | None:
    found = [r for noise, light in captures if (r := ratio(noise, light, box, document)) is not None]
    return float(np.median(found)) if found else None


def maps(rectified: RGBImage) -> tuple[_Map, _Map]:
    """Noise and brightness of each block of the card."""
    green = np.ascontiguousarray(rectified[..., 1]).astype(np.float32)
    rough = np.abs(cv2.filter2D(green, -1, _KERNEL))
    size = green.shape[1] // _BLOCK_PX, green.shape[0] // _BLOCK_PX
    noise, light = (cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (rough, green))
    return np.asarray(noise, dtype=np.float32), np.asarray(light, dtype=np.float32)


def ratio(noise: _Map, light: _Map, box: Box, document: DocumentType) -> float | None:
    """Natural logarithm of the noise inside over that around, at the brightness that both have; None without any."""
    scale = document.px_per_mm / _BLOCK_PX
    left, top, right, bottom = box.pixels(scale, pad_mm=-0.5)
    outer = _slices(box.pixels(scale, pad_mm=_AROUND_MM))
    around = np.zeros(noise.shape, dtype=np.bool_)
    around[outer] = True
    around[_slices(box.pixels(scale, pad_mm=0.8))] = False
    for other in (document.portrait, *(r.box for r in document.regions), *(f.box for f in document.fields)):
        around[_slices(other.pixels(scale, pad_mm=0.3))] = False
    usable = (light > _CLIPPED[0]) & (light < _CLIPPED[1])
    inside = np.zeros(noise.shape, dtype=np.bool_)
    inside[top:bottom, left:right] = True
    inside &= usable
    around &= usable
    if min(inside.sum(), around.sum()) < _LEAST_BLOCKS:
        return None
    # Noise grows and shrinks with brightness: only what is about as bright as the card around is compared.
    near = np.abs(light - np.median(light[around])) < 30
    if (inside & near).sum() >= _LEAST_BLOCKS:
        inside &= near
    levels = [float(np.quantile(noise[where], np.linspace(0.02, _FLAT, 8)).mean()) for where in (inside, around)]
    return float(np.log(max(levels[0], 1e-3) / max(levels[1], 1e-3)))


def _slices(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)
