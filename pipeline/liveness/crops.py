"""The two crops that the liveness network reads: skin at the camera's own resolution, and the face in its surroundings.

Printed dots and a display's grid exist at the scale of pixels and vanish when a picture is scaled. The edge of a sheet
or a bezel lies outside the face.
"""

import cv2
import numpy as np

from idproof.models.types import DetectedFace, RGBImage

SIDE = 64  # input of the network (`models/training/liveness_texture.py`); chosen by hand, no outside source
_CONTEXT = 2.7  # of the face's box, as in the first crop of Silent-Face-Anti-Spoofing
_MIN_CONTEXT_PX = 8


def skin(image: RGBImage, face: DetectedFace) -> RGBImage:
    """Returns (64, 64, 3) around the root of the nose and the cheeks, not scaled."""
    middle = (face.landmarks[0] + face.landmarks[1] + face.landmarks[2]) / 3
    return _patch(image, middle, SIDE)


def context(image: RGBImage, face: DetectedFace) -> RGBImage:
    """Returns (64, 64, 3): a square of 2.7 times the face's box, scaled down."""
    x, y, width, height = face.box
    side = max(_MIN_CONTEXT_PX, round(_CONTEXT * max(width, height)))
    patch = _patch(image, np.array([x + width / 2, y + height / 2]), side)
    return np.asarray(cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _patch(image: RGBImage, middle: np.ndarray[tuple[int, ...], np.dtype[np.floating]], side: int) -> RGBImage:
    """Returns a square whose parts outside the picture are black, so that they give the network no cue."""
    left, top = (round(float(value) - side / 2) for value in middle)
    height, width = image.shape[:2]
    result = np.zeros((side, side, 3), dtype=np.uint8)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x1 > x0 and y1 > y0:
        result[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return result
