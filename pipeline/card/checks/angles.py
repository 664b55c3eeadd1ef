"""Do the three captures show the card from truly different angles, turned as instructed?

The pose of the card's plane follows from its homography once the camera's focal length is known, and the three
homographies tell the focal length (Zhang, "A flexible new technique for camera calibration", 2000, with square
pixels and the principal point in the picture's middle).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult, Outcome, Role, Status

NAME, RIGID = "card_angles", "card_rigid"

_FOCAL_RANGE = (0.55, 3.0)  # of the longer side: from a wide phone camera to a portrait lens
FOCAL_GUESS = 0.8  # of the longer side: a phone's main camera, 28 mm equivalent
_TARGET_TURN_DEG = 25.0


def check(views: Mapping[Role, CardView], policy: Policy) -> CheckResult:
    """Turns of the two tilted captures, judged against each other and the front.

    Returns:
        `card_angles`: value is the smaller of the two turns away from the front capture, in degrees, counted
        positive in the direction asked for. Fails when there is no second angle at all (`angles_not_distinct`);
        in doubt when the views differ but not as instructed (`angles_not_as_instructed`).
    """
    turns = turns_deg(views)
    front, left, right = (turns[role] for role in (Role.CARD_FRONT, Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT))
    turned = min(left - front, front - right)
    distinct = min(abs(left - front), abs(right - front), abs(left - right))
    outcome, reason = Outcome.PASS, None
    if distinct < policy.min_turn_deg:
        outcome, reason = Outcome.FAIL, "angles_not_distinct"
    elif turned < policy.min_tilt_deg or abs(front) > policy.max_front_tilt_deg:
        outcome, reason = Outcome.DOUBT, "angles_not_as_instructed"
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=outcome,
        value=round(turned, 2),
        unit="degrees",
        score=float(np.clip(turned / _TARGET_TURN_DEG, 0, 1)),
        reason=reason,
        limit=policy.min_tilt_deg,
    )


def rigid(views: Mapping[Role, CardView], policy: Policy) -> CheckResult:
    """`card_rigid`: whether one camera looking at one flat card of the type's size explains all three views.

    The card's two axes must come out of every homography equally long and at a right angle, with one focal length for
    all. The value is the worst of these residuals, a share; fails with `views_not_of_one_card_and_camera`. A picture
    whose own perspective is baked in, or a card of other proportions, does not fit.
    """
    centred = [_centred(view) for view in views.values()]
    focal = _focal(centred)
    value = max(_residual(homography, focal) for homography in centred)
    return policy.calibration.at_most(RIGID, value, unit="share", reason="views_not_of_one_card_and_camera")


def turns_deg(views: Mapping[Role, CardView]) -> dict[Role, float]:
    """How far the card is turned about its vertical axis in each view, in degrees.

    Positive when the card's left edge is nearer to the camera than its right edge (`card_tilt_left`).
    """
    centred = {role: _centred(view) for role, view in views.items()}
    focal = _focal(list(centred.values()))
    return {role: _turn(homography, focal) for role, homography in centred.items()}


def focal_length(views: Sequence[CardView]) -> float:
    """What these views of one camera tell of its focal length, in units of the picture's longer side."""
    return _focal([_centred(view) for view in views])


def turn_deg(view: CardView, focal: float) -> float:
    """The turn of one view, as in `turns_deg`, when the focal length is known."""
    return _turn(_centred(view), focal)


def _centred(view: CardView) -> NDArray[np.float64]:
    """The homography with the principal point at the origin and the longer side as the unit of length."""
    width, height = view.size
    unit = max(width, height)
    to_centre = np.array([[1 / unit, 0, -width / 2 / unit], [0, 1 / unit, -height / 2 / unit], [0, 0, 1]])
    homography = to_centre @ view.homography
    scaled: NDArray[np.float64] = homography / np.linalg.norm(homography[:2, :2])
    return scaled


def _focal(homographies: Sequence[NDArray[np.float64]]) -> float:
    """Focal length in units of the longer side, by least squares on 1/f² over all views.

    A plane seen nearly front on tells nothing about the focal length; when no view tells, a phone's is assumed.
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


def _residual(homography: NDArray[np.float64], focal: float) -> float:
    axes = homography[:, :2] / np.array([[focal], [focal], [1.0]])
    first, second = np.linalg.norm(axes, axis=0)
    skew = abs(float(axes[:, 0] @ axes[:, 1])) / (first * second)
    return float(max(skew, abs(np.log(first / second))))


def _turn(homography: NDArray[np.float64], focal: float) -> float:
    axis_x = homography[:, 0] / np.array([focal, focal, 1.0])
    axis_y = homography[:, 1] / np.array([focal, focal, 1.0])
    scale = (np.linalg.norm(axis_x) + np.linalg.norm(axis_y)) / 2
    # Depth gained along the card's own x axis: when it grows to the right, the left edge is the nearer one.
    return float(np.degrees(np.arcsin(np.clip(axis_x[2] / scale, -1, 1))))
