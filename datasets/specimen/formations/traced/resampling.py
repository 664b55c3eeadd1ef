"""Layers of traced light: less noise, continued beyond what they show, and enlarged."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.view import View

Layer = NDArray[np.float32]


def continued(layer: Layer, known: NDArray[np.bool_], sigma: float, *, keep: bool = False) -> Layer:
    """Returns a layer smoothed over its known pixels and continued beyond; `keep` leaves the known ones as they are."""
    weight = known.astype(np.float32)
    result, left = layer * weight[..., None], weight
    smooth, share = cv2.GaussianBlur(result, (0, 0), sigma), cv2.GaussianBlur(weight, (0, 0), sigma)
    filled = smooth / np.maximum(share, 1e-6)[..., None]
    sure = (share / 0.35).clip(0, 1)[..., None]
    wide = sigma
    while wide < 80 and float(sure.min()) < 1:
        wide *= 2.5
        smooth, share = cv2.GaussianBlur(layer * left[..., None], (0, 0), wide), cv2.GaussianBlur(left, (0, 0), wide)
        coarse = smooth / np.maximum(share, 1e-6)[..., None]
        filled = filled * sure + coarse * (1 - sure)
        sure = np.maximum(sure, (share / 0.35).clip(0, 1)[..., None])
    if keep:
        filled = np.where(known[..., None], layer, filled)
    return np.asarray(filled, dtype=np.float32)


def cleaned(light: Layer, level: float) -> Layer:
    """Returns traced light with less of the tracer's noise, smoothed within areas of about one brightness."""
    coded = np.log1p(light / np.float32(0.2 * level)).astype(np.float32)
    coded = cv2.medianBlur(coded, 3)
    for _ in range(2):
        coded = cv2.bilateralFilter(coded, 9, 0.35, 2.5)
    return np.asarray(np.expm1(coded) * np.float32(0.2 * level), dtype=np.float32)


def eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns a mask without its outermost pixels, which show two things at once; itself if nothing would be left."""
    smaller = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return smaller if smaller.any() else mask


def enlarged(layer: Layer, view: View) -> Layer:
    """Returns a layer in the size of a view's capture."""
    return np.asarray(cv2.resize(layer, view.size, interpolation=cv2.INTER_CUBIC), dtype=np.float32).clip(0)
