"""Background: detail in the surroundings of the head (ISO/IEC 29794-5:2025, background uniformity).

Without a segmentation, an ellipse around the face's box and a block below it stand for head and shoulders. A picture
that the head fills has no background that could be uneven, and measures 0.
"""

import cv2
import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

# Areas chosen by hand; no outside source.
_HEAD = 0.95  # semi-axes of the ellipse, of the box's sides
_HEAD_ABOVE = 0.1  # by which its centre lies above the box's middle, of the box's height
_SHOULDERS = (0.45, 1.8)  # below the box's middle, of its height; to either side, of its width
_SOBEL_SUM = 8  # of the kernel's absolute weights: its response per grey level and pixel


def measure(face: Face) -> Measure:
    """Measures the background's mean gradient in grey levels per pixel, over all pixels, with a face 40 pixels wide."""
    grey, scale = face.scene, face.scene.shape[1] / face.size[0]
    x, y, width, height = (value * scale for value in face.found.box)
    width, height = max(width, 1.0), max(height, 1.0)
    down, across = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]]
    right, below = across - (x + width / 2), down - (y + height / 2)
    head = (right / (_HEAD * width)) ** 2 + ((below + _HEAD_ABOVE * height) / (_HEAD * height)) ** 2 < 1
    body = (below > _SHOULDERS[0] * height) & (np.abs(right) < _SHOULDERS[1] * width)
    steep = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / _SOBEL_SUM
    return Measure("background", float(steep[~(head | body)].sum() / grey.size), "grey levels a pixel", Better.LOWER)
