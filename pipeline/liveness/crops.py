"""The crop in which a display's grid is looked for: skin at the camera's own resolution.

Printed dots and a display's grid exist at the scale of pixels and vanish when a picture is scaled.
"""

import numpy as np

from idproof.models.types import DetectedFace, RGBImage

SIDE = 64  # chosen by hand; no outside source


def skin(image: RGBImage, face: DetectedFace) -> RGBImage:
    """Returns (64, 64, 3) around the root of the nose and the cheeks, not scaled."""
    middle = (face.landmarks[0] + face.landmarks[1] + face.landmarks[2]) / 3
    return _patch(image, middle, SIDE)


def _patch(image: RGBImage, middle: np.ndarray[tuple[int, ...], np.dtype[np.floating]], side: int) -> RGBImage:
    """Returns a square whose parts outside the picture are black, so that they give the network no cue."""
    left, top = (round(float(value) - side / 2) for value in middle)
    height, width = image.shape[:2]
    result = np.zeros((side, side, 3), dtype=np.uint8)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x1 > x0 and y1 > y0:
        result[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return result
