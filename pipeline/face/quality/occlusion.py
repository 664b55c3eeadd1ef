"""Occlusion: whether something covers the lower face, as a mask does (ISO/IEC 29794-5:2025, mouth occlusion).

Skin has one hue from the bridge of the nose to the chin; cloth and paper have another. A covering in the wearer's own
hue is not seen, nor is one above the cheeks: glasses, hands and hair would need a segmentation.
"""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_LEAST_CHROMA = 3.0  # below it the picture has no colour to compare by


def measure(face: Face) -> Measure:
    """Distance in CIELAB's a and b between the lower face and bridge of the nose and cheeks, medians over each.

    Lips are too small to count. None for a picture without colour.
    """
    chroma = face.chroma
    upper = _median(chroma[56:66, 34:48], chroma[56:66, 64:78], chroma[44:60, 50:62])
    lower = _median(chroma[82:108, 36:76])
    if float(np.hypot(*upper)) < _LEAST_CHROMA:
        return Measure("occlusion", None, "CIELAB units", Better.LOWER)
    return Measure("occlusion", float(np.hypot(*(lower - upper))), "CIELAB units", Better.LOWER)


def _median(*parts: np.ndarray) -> np.ndarray:
    return np.asarray(np.median(np.concatenate([part.reshape(-1, 2) for part in parts]), axis=0))
