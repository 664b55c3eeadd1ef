"""What is known about the card in one capture: where it is, and how well."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.documents import DocumentType

Homography = NDArray[np.float64]
"""Shape (3, 3): millimetres on the card to pixels of the capture, scaled so that the last element is 1."""


@dataclass(frozen=True, slots=True)
class CardView:
    """The card as found in one capture.

    Attributes:
        homography: millimetres on the card to pixels of the capture.
        size: (width, height) of the capture in pixels.
        matches: static anchors that agree with the homography.
        reprojection_px: median distance between those anchors and where the homography puts them.
        px_per_mm: the capture's resolution on the card, at its least favourable direction.
    """

    homography: Homography
    size: tuple[int, int]
    matches: int
    reprojection_px: float
    px_per_mm: float


def project(homography: Homography, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 2) through a homography, (n, 2)."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ homography.T
    projected: NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
    return projected


def card_corners_mm(document: DocumentType) -> NDArray[np.float64]:
    """(4, 2): top left, top right, bottom right, bottom left of the card itself, as sharp corners."""
    w, h = document.width_mm, document.height_mm
    return np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float64)


def corners(view: CardView, document: DocumentType) -> NDArray[np.float64]:
    """(4, 2): the card's corners in pixels of the capture, in the order of `card_corners_mm`."""
    return project(view.homography, card_corners_mm(document))


def resolution(homography: Homography, document: DocumentType) -> float:
    """Pixels a millimetre in the card's centre, along the direction that has fewest."""
    centre = np.array([document.width_mm / 2, document.height_mm / 2])
    around = project(homography, centre + np.array([[0, 0], [1, 0], [0, 1]]))
    jacobian = np.column_stack([around[1] - around[0], around[2] - around[0]])
    return float(np.linalg.svd(jacobian, compute_uv=False)[-1])
