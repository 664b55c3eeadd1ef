"""The card's place in one capture, and the geometry that every stage of the card shares."""

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
        matches: points of the static print that agree with the homography.
        reprojection_px: median distance between those points and their places by the homography.
        px_per_mm: the capture's resolution on the card, along the direction that has fewest pixels.
    """

    homography: Homography
    size: tuple[int, int]
    matches: int
    reprojection_px: float
    px_per_mm: float


def project(homography: Homography, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps points (n, 2) through a homography; returns (n, 2)."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ homography.T
    projected: NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
    return projected


def card_corners_mm(document: DocumentType) -> NDArray[np.float64]:
    """(4, 2): top left, top right, bottom right, bottom left of the card, as sharp corners."""
    w, h = document.width_mm, document.height_mm
    return np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float64)


def corners(view: CardView, document: DocumentType) -> NDArray[np.float64]:
    """(4, 2): the card's corners in pixels of the capture, in the order of `card_corners_mm`."""
    return project(view.homography, card_corners_mm(document))


def pixels_from_mm(px_per_mm: float) -> Homography:
    """Millimetres on the card to pixels of a frame of this resolution.

    Pixel centres lie at whole numbers, so the card's edge lies half a pixel before the first centre.
    """
    return np.array([[px_per_mm, 0, -0.5], [0, px_per_mm, -0.5], [0, 0, 1]])


def mm_from_pixels(px_per_mm: float, margin_mm: float = 0.0) -> Homography:
    """Pixels of a frame of this resolution to millimetres on the card; the inverse of `pixels_from_mm`.

    Args:
        px_per_mm: resolution of the frame.
        margin_mm: width of the surroundings that the frame shows on each side of the card.
    """
    offset = 0.5 / px_per_mm - margin_mm
    return np.array([[1 / px_per_mm, 0, offset], [0, 1 / px_per_mm, offset], [0, 0, 1]])


def resolution(homography: Homography, document: DocumentType) -> float:
    """Pixels per millimetre in the card's centre, along the direction that has fewest."""
    centre = np.array([document.width_mm / 2, document.height_mm / 2])
    around = project(homography, centre + np.array([[0, 0], [1, 0], [0, 1]]))
    jacobian = np.column_stack([around[1] - around[0], around[2] - around[0]])
    return float(np.linalg.svd(jacobian, compute_uv=False)[-1])
