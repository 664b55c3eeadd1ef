"""Projects flat pictures of a card into a capture: geometry alone, shared by all image formations."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.material import Material
from idproof.datasets.specimen.view import View

Radiance = NDArray[np.float32]


def warp(flat: NDArray[np.floating], view: View) -> Radiance:
    """Projects a flat picture (at `SCALE`) into the capture; each pixel averages its own area."""
    # A pixel (i, j) of the flat picture has its centre at ((i + 0.5) / SCALE) millimetres.
    from_flat = view.homography @ np.array([[1 / SCALE, 0, 0.5 / SCALE], [0, 1 / SCALE, 0.5 / SCALE], [0, 0, 1]])
    ratio = SCALE * view.document.width_mm / (view.pose.share * view.size[0])
    soft = cv2.GaussianBlur(flat, (0, 0), max(0.35 * ratio, 0.3))
    return np.asarray(cv2.warpPerspective(soft, from_flat, view.size, flags=cv2.INTER_LINEAR), dtype=np.float32)


def outline(material: Material, view: View) -> Radiance:
    """(height, width): 1 on the card with its rounded corners."""
    return warp(material.outline, view)
