"""Sampling light through a Bayer filter (red, green; green, blue), and several ways to undo it."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def mosaic(light: Plane) -> Plane:
    """Returns (h, w): of each pixel (h, w, 3) the one colour that its filter lets through."""
    raw = light[..., 1].copy()
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return raw


def bilinear(raw: Plane) -> Plane:
    """Averages the nearest samples of each colour."""
    return _by_opencv(raw, cv2.COLOR_BayerRGGB2RGB)


def edge_aware(raw: Plane) -> Plane:
    """Averages along edges rather than across them."""
    return _by_opencv(raw, cv2.COLOR_BayerRGGB2RGB_EA)


def variable_gradients(raw: Plane) -> Plane:
    """Variable number of gradients; OpenCV has it for eight bits, so the tones are compressed by a root before."""
    coded = (np.sqrt(raw) * 255 + 0.5).astype(np.uint8)
    colour = cv2.cvtColor(coded, cv2.COLOR_BayerRGGB2RGB_VNG).astype(np.float32) / 255
    return np.asarray(colour * colour, dtype=np.float32)


def gradient_corrected(raw: Plane) -> Plane:
    """Linear interpolation corrected by the gradients of the other colours.

    Malvar, He and Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images", ICASSP
    2004, figure 2.
    """
    at_green = _filtered(raw, [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]])
    rows = [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
    in_row, in_column = _filtered(raw, rows), _filtered(raw, list(zip(*rows, strict=True)))
    diagonal = [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
    across = _filtered(raw, diagonal)
    red, green, blue = raw.copy(), raw.copy(), raw.copy()
    green[0::2, 0::2], green[1::2, 1::2] = at_green[0::2, 0::2], at_green[1::2, 1::2]
    red[0::2, 1::2], red[1::2, 0::2], red[1::2, 1::2] = in_row[0::2, 1::2], in_column[1::2, 0::2], across[1::2, 1::2]
    blue[1::2, 0::2], blue[0::2, 1::2] = in_row[1::2, 0::2], in_column[0::2, 1::2]
    blue[0::2, 0::2] = across[0::2, 0::2]
    return np.stack([red, green, blue], axis=-1).clip(0, 1)


METHODS: Mapping[str, Callable[[Plane], Plane]] = {
    "bilinear": bilinear,
    "edge_aware": edge_aware,
    "variable_gradients": variable_gradients,
    "gradient_corrected": gradient_corrected,
}
"""By name; each takes (h, w) of 0..1 and returns (h, w, 3) of 0..1."""


def _by_opencv(raw: Plane, code: int) -> Plane:
    counts = (raw * 65535 + 0.5).astype(np.uint16)
    return np.asarray(cv2.cvtColor(counts, code).astype(np.float32) / 65535, dtype=np.float32)


def _filtered(raw: Plane, kernel: object) -> Plane:
    weights = np.asarray(kernel, dtype=np.float32) / 8
    return np.asarray(cv2.filter2D(raw, -1, weights, borderType=cv2.BORDER_REFLECT_101), dtype=np.float32)
