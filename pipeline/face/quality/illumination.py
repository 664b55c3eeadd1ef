"""Illumination uniformity: similarity of the light on both halves of the face (ISO/IEC 29794-5:2025)."""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_BINS = 32  # chosen by hand, no outside source; the limit is calibrated with it


def measure(face: Face) -> Measure:
    """Measures the overlap of the histograms of the left and the right half, 0..1."""
    left, right = np.array_split(face.skin, 2, axis=1)
    shares = [np.histogram(half, bins=_BINS, range=(0, 256))[0] / half.size for half in (left, right)]
    return Measure("illumination", float(np.minimum(*shares).sum()), "overlap", Better.HIGHER)
