"""Exposure: share of the face that is too dark or too bright to hold detail.

ISO/IEC 29794-5:2025, under-exposure prevention and over-exposure prevention, as one quantity.
"""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_DARK, _BRIGHT = 25, 247  # grey levels, as in BSI's OFIQ


def measure(face: Face) -> Measure:
    """Measures the share of the face's pixels that are almost black or almost white, 0..1."""
    lost = (face.skin <= _DARK) | (face.skin >= _BRIGHT)
    return Measure("exposure", float(np.mean(lost)), "share of pixels", Better.LOWER)
