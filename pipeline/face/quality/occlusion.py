"""Occlusion: a cover over the lower face, such as a mask (ISO/IEC 29794-5:2025, mouth occlusion).

Skin has one hue from the bridge of the nose to the chin; cloth and paper have another. A cover in the wearer's own hue
is
not detected, nor is one above the cheeks: glasses, hands and hair would need a segmentation.
"""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_MIN_CHROMA = 3.0  # CIELAB units; below it the picture has no colour to compare. Chosen by hand, no outside source


def measure(face: Face) -> Measure:
    """Measures the distance in CIELAB's a and b between the lower face and the bridge of the nose and cheeks.

    Both are medians, for which lips are too small to count. None for a picture without colour.
    """
    chroma = face.chroma  # areas in the aligned face of 112 × 112, whose eyes lie at row 52; chosen by hand
    upper = _median(chroma[56:66, 34:48], chroma[56:66, 64:78], chroma[44:60, 50:62])
    lower = _median(chroma[82:108, 36:76])
    if float(np.hypot(*upper)) < _MIN_CHROMA:
        return Measure("occlusion", None, "CIELAB units", Better.LOWER)
    return Measure("occlusion", float(np.hypot(*(lower - upper))), "CIELAB units", Better.LOWER)


def _median(*parts: np.ndarray) -> np.ndarray:
    return np.asarray(np.median(np.concatenate([part.reshape(-1, 2) for part in parts]), axis=0))
