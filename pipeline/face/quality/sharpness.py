"""Sharpness: how much of the face's contrast is fine detail (ISO/IEC 29794-5:2025, sharpness).

The face is first brought to one size, so that a blurred face and one enlarged from few pixels measure alike.
"""

import cv2

from idproof.pipeline.face.quality.types import Better, Face, Measure

_FINE_PX = 1.0
_LEAST_CONTRAST = 2.0  # grey levels; below it only noise is left to compare with


def measure(face: Face) -> Measure:
    """Standard deviation of what a Gaussian of one pixel takes away, as a share of the whole; 0..1."""
    skin = face.skin
    contrast = float(skin.std())
    if contrast < _LEAST_CONTRAST:
        return Measure("sharpness", None, "share of contrast", Better.HIGHER)
    fine = skin - cv2.GaussianBlur(skin, (0, 0), _FINE_PX)
    return Measure("sharpness", float(fine.std()) / contrast, "share of contrast", Better.HIGHER)
