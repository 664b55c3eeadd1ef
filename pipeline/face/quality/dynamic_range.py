"""Dynamic range: number of grey levels that the face uses (ISO/IEC 29794-5:2025, dynamic range)."""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure


def measure(face: Face) -> Measure:
    """Measures the entropy of the histogram of 256 grey levels, 0..8 bit."""
    counts = np.bincount(face.skin.astype(np.uint8).ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return Measure("dynamic_range", float(-(shares * np.log2(shares)).sum()), "bit", Better.HIGHER)
