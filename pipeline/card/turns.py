"""The card's pose in each view, and the focal length of the camera.

The pose of the card's plane follows from its homography once the focal length is known, and the homographies
determine the focal length (Zhang, "A flexible new technique for camera calibration", 2000, with square pixels and the
principal point in the picture's middle).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.plan.types import CardPose
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role

FOCAL_GUESS = 0.8
"""Focal length in units of the longer side of the picture when no view determines it.

The main camera of a phone: 28 mm on a frame of 36 mm is 0.78.
"""

# From a wide phone camera (20 mm on a frame of 36 mm) to a portrait lens (108 mm). Chosen by hand; no outside source.
_FOCAL_RANGE = (0.55, 3.0)


def turns_deg(views: Mapping[Role, CardView]) -> dict[Role, float]:
    """Turn of the card about its vertical axis in each view of one camera, in degrees.

    Positive when the card's left edge is nearer to the camera than its right edge (`card_tilt_left`).
    """
    centred = {role: centred_homography(view) for role, view in views.items()}
    focal = _focal_length(list(centred.values()))
    return {role: _turn(homography, focal) for role, homography in centred.items()}


def measure_poses(views: Mapping[Role, CardView], document: DocumentType) -> dict[Role, CardPose]:
    """Measures the card's pose in each view of one camera; its turn is that of `turns_deg`."""
    focal = focal_length(list(views.values()))
    return {role: measure_pose(view, focal, document) for role, view in views.items()}


def measure_pose(view: CardView, focal: float, document: DocumentType) -> CardPose:
    """Measures the card's pose in one view, when the focal length is known in units of the picture's longer side."""
    homography = centred_homography(view)
    axis_x, axis_y, scale = _axes(homography, focal)
    middle = np.array([document.width_mm / 2, document.height_mm / 2, 1.0])
    longer_sides = focal * document.width_mm * scale / float(homography[2] @ middle)
    share = float(longer_sides * max(view.size) / view.size[0])
    # Depth gained along the card's own axes: to the right, the left edge is the nearer one; downwards, the top edge.
    return CardPose(_angle(axis_x, scale), _angle(axis_y, scale), share)


def turn_deg(view: CardView, focal: float) -> float:
    """The turn of one view, as in `turns_deg`, when the focal length is known."""
    return _turn(centred_homography(view), focal)


def focal_length(views: Sequence[CardView]) -> float:
    """Focal length of the one camera of these views, in units of the picture's longer side."""
    return _focal_length([centred_homography(view) for view in views])


def centred_homography(view: CardView) -> NDArray[np.float64]:
    """The view's homography with the principal point at the origin and the longer side as the unit of length."""
    width, height = view.size
    unit = max(width, height)
    to_centre = np.array([[1 / unit, 0, -width / 2 / unit], [0, 1 / unit, -height / 2 / unit], [0, 0, 1]])
    homography = to_centre @ view.homography
    scaled: NDArray[np.float64] = homography / np.linalg.norm(homography[:2, :2])
    return scaled


def _focal_length(homographies: Sequence[NDArray[np.float64]]) -> float:
    """By least squares on 1/f² over all views.

    A plane that is seen nearly face on does not determine the focal length. When no view does, this is `FOCAL_GUESS`.
    """
    across, depth = [], []
    for h in homographies:
        across += [h[0, 0] * h[0, 1] + h[1, 0] * h[1, 1], (h[:2, 0] ** 2).sum() - (h[:2, 1] ** 2).sum()]
        depth += [h[2, 0] * h[2, 1], h[2, 0] ** 2 - h[2, 1] ** 2]
    a, b = np.array(across), np.array(depth)
    inverse_square = -(a @ b) / max(float(a @ a), 1e-12)
    if inverse_square <= 0 or float(b @ b) < 1e-9:
        return FOCAL_GUESS
    return float(np.clip(1 / np.sqrt(inverse_square), *_FOCAL_RANGE))


def _turn(homography: NDArray[np.float64], focal: float) -> float:
    axis_x, _, scale = _axes(homography, focal)
    return _angle(axis_x, scale)


def _axes(homography: NDArray[np.float64], focal: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Returns the card's x and y axis in the camera's frame, and the length of both, which the scale leaves open."""
    axis_x = homography[:, 0] / np.array([focal, focal, 1.0])
    axis_y = homography[:, 1] / np.array([focal, focal, 1.0])
    return axis_x, axis_y, float((np.linalg.norm(axis_x) + np.linalg.norm(axis_y)) / 2)


def _angle(axis: NDArray[np.float64], scale: float) -> float:
    """Returns the angle in degrees by which an axis leads away from the camera."""
    return float(np.degrees(np.arcsin(np.clip(axis[2] / scale, -1, 1))))
