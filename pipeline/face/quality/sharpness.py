"""Sharpness: fine detail as a share of the face's contrast (ISO/IEC 29794-5:2025, sharpness).

The face is first brought to one size, so that a blurred face and one enlarged from few pixels measure alike.
"""

import cv2

from idproof.pipeline.face.quality.types import Better, Face, Measure

# Chosen by hand; no outside source. The limit is calibrated with them.
_FINE_PX = 1.0
_MIN_CONTRAST = 2.0  # grey levels; below it only noise is left to compare with


def measure(face: Face) -> Measure:
    """Measures the standard deviation of the detail that a Gaussian of one pixel removes, as a share, 0..1."""
    skin = face.skin
    contrast = float(skin.std())
    if contrast < _MIN_CONTRAST:
        return Measure("sharpness", None, "share of contrast", Better.HIGHER)
    fine = skin - cv2.GaussianBlur(skin, (0, 0), _FINE_PX)
    return Measure("sharpness", float(fine.std()) / contrast, "share of contrast", Better.HIGHER)
