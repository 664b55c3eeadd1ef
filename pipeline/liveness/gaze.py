"""Check of the eyes: they stay on the screen while the head turns, as no painted eye does.

Whoever looks at one place and turns the head turns the eyes against it (the vestibulo-ocular reflex; Leigh and Zee,
"The Neurology of Eye Movements", 2015). A picture that is bent over a head carries its irises along. The movement of
each iris between its lids is measured against the lids and corners around it, in turned frames and a frame before them.

It is made only where a policy requires it (`Policy.required`): of people who had no part in its limit it refers three
rendered clips in ten (docs/liveness.md), and no real clip has met it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.liveness.challenge import ROTATIONS, Challenge
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.liveness.head_motion import HeadMotion
from idproof.pipeline.liveness.head_pose import EYE_DISTANCE_MM
from idproof.pipeline.liveness.motion import MeasuredResponse
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness_gaze"
MIN_SHARE = 0.17
"""Least share of the turn that the eyes take back. Chosen by hand on rendered people and puppets of the split tuning
(docs/liveness.md); no outside source."""

_IRIS_DEPTH_MM = 10.0
"""From the centre about which an eye turns to its iris: 13.5 mm to the cornea (Fry and Hill, "The center of rotation of
the eye", 1962), less 3.6 mm from there to the iris."""

# Patches of one eye; chosen by hand on rendered people of the split tuning, no outside source.
_SIZE = (64, 44)  # width and height in pixels
_EYES_PX = 72.0  # distance of the eyes in these pixels
_OPEN, _LIDS, _IRIS = (17.0, 9.0), (28.0, 15.0), (11.0, 4.0)  # semi-axes: opening, its surroundings, iris
_IRIS_REACH, _LIDS_REACH = (8, 6), (5, 4)  # of the search, across and down
_BLUR_PX, _ECC_BLUR = 0.8, 5
_ECC = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 30, 1e-4)
_MIN_FIT, _MIN_LIDS, _MIN_IRIS = 0.7, 0.5, 0.8  # correlations from which eye, lids and iris are the same ones
_MIN_SHIFT = 0.025  # of the eye distance: what a turn must move an eye that stays on its target; about 9 degrees
_MOST_DEG = 18.0  # a turn counts as this much at the most: followed points show 20 degrees as 20 to 45
_STARTS = 2  # frames before the turn that are tried: a blink spoils one
_MIN_VIEWS = 2  # of an eye in a frame

Patch = NDArray[np.float32]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class _EyeShift:
    """One eye in one frame against the frame before the turn.

    Attributes:
        expected: movement of an iris that stays on its target, right and down, in eye distances of the first frame.
        found: movement of the iris against its lids.
    """

    expected: NDArray[np.float64]
    found: NDArray[np.float64]


def check(tracked: TrackedClip, challenge: Challenge, response: MeasuredResponse | None) -> CheckResult | None:
    """`liveness_gaze`: share of the head's turns and nods that the eyes take back, the weighted median over views.

    1 where the eyes stay on the screen, 0 where they are fixed in the head. In doubt, with `eyes_fixed_in_head`, below
    `MIN_SHARE`; it never fails, since people look away and eyes that cannot fixate exist.

    Returns:
        None when the challenge asks for no turn. Could not be assessed, with `eyes_not_seen`, when irises and lids
        cannot be followed: dark glasses, closed or shaded eyes.
    """
    if not any(step.action in ROTATIONS for step in challenge.steps):
        return None
    if response is None:
        return CheckResult.not_assessed(NAME, "face_not_seen_throughout")
    turned = [
        frame
        for step, frames in zip(challenge.head_steps, response.steps, strict=True)
        for frame in frames
        if step.action in ROTATIONS
    ]
    share: float | None = None
    for start in response.before[:_STARTS]:
        found = _share(tracked, start, turned)
        share = found if share is None else max(share, found if found is not None else share)
        if share is not None and share >= MIN_SHARE:
            break
    if share is None:
        return CheckResult.not_assessed(NAME, "eyes_not_seen")
    passed = share >= MIN_SHARE
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(share, 4),
        unit="share of the turn",
        score=float(np.clip(share, 0, 1)),
        reason=None if passed else "eyes_fixed_in_head",
        limit=MIN_SHARE,
    )


def _share(tracked: TrackedClip, start: TrackedFrame, turned: Sequence[HeadMotion]) -> float | None:
    """Returns the weighted median of movement over expected movement; None with too few views of an eye."""
    shifts = _shifts(tracked, start, turned)
    expected = np.array([entry.expected for entry in shifts]).ravel()
    found = np.array([entry.found for entry in shifts]).ravel()
    tells = np.abs(expected) > _MIN_SHIFT
    if tells.sum() < _MIN_VIEWS:
        return None
    shares, weights = found[tells] / expected[tells], np.abs(expected[tells])
    order = np.argsort(shares)
    heap = np.cumsum(weights[order])
    return float(shares[order][np.searchsorted(heap, heap[-1] / 2)])


def _shifts(tracked: TrackedClip, start: TrackedFrame, turned: Sequence[HeadMotion]) -> list[_EyeShift]:
    face = start.face
    if face is None:
        return []
    frames = {frame.index: frame for frame in tracked.with_face}
    before = _red(tracked.pixels(start.index))
    places = [_place(face, eye) for eye in (0, 1)]
    known = [_cut(before, place) for place in places]
    shifts = []
    try:
        for motion in turned:
            there = frames[motion.index].face
            expected = _expected(motion)
            if there is None or np.abs(expected).max() < _MIN_SHIFT:
                continue
            red = _red(tracked.pixels(motion.index))
            carry = _affine(face.landmarks, there.landmarks)
            for place, patch in zip(places, known, strict=True):
                found = _iris_shift(patch, red, _after(carry, place))
                if found is not None:
                    shifts.append(_EyeShift(expected, found))
            red.fill(0)
    finally:
        for picture in (before, *known):
            picture.fill(0)
    return shifts


def _expected(motion: HeadMotion) -> NDArray[np.float64]:
    """Returns (2,), the movement right and down of an iris that stays on its target, in eye distances."""
    turn = np.sin(np.radians(np.clip([-motion.pose.yaw, motion.pose.pitch], -_MOST_DEG, _MOST_DEG)))
    return np.asarray(turn * _IRIS_DEPTH_MM / EYE_DISTANCE_MM)


def _iris_shift(known: Patch, picture: Patch, place: Matrix) -> NDArray[np.float64] | None:
    """Returns (2,), the movement of the iris against its lids in eye distances; None where one cannot be followed.

    Args:
        known: the eye before the turn.
        picture: red of the turned frame.
        place: (2, 3), from the patch to about the same eye in that picture.
    """
    first = _cut(picture, place)
    try:
        # The second picture is the one that has a mask; `correction` leads from the first to it.
        fit, correction = cv2.findTransformECC(
            first, known, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, _ECC, _AROUND, _ECC_BLUR
        )
    except cv2.error:  # no common structure
        return None
    back = np.asarray(cv2.invertAffineTransform(correction), dtype=np.float32)
    there = _cut(picture, _after(place, back))
    try:
        lids, iris = _follow(known, there, _LIDS_MASK, _LIDS_REACH), _follow(known, there, _IRIS_MASK, _IRIS_REACH)
    finally:
        first.fill(0)
        there.fill(0)
    if fit < _MIN_FIT or lids is None or iris is None or lids[1] < _MIN_LIDS or iris[1] < _MIN_IRIS:
        return None
    return np.asarray((iris[0] - lids[0]) / _EYES_PX)


def _follow(
    known: Patch, there: Patch, mask: Patch, reach: tuple[int, int]
) -> tuple[NDArray[np.float64], float] | None:
    """Returns the movement (right, down) of what the mask covers, and its correlation; None at the reach's end."""
    rows, columns = np.nonzero(mask)
    width, height = _SIZE
    left, right = max(int(columns.min()), reach[0]), min(int(columns.max()) + 1, width - reach[0])
    top, bottom = max(int(rows.min()), reach[1]), min(int(rows.max()) + 1, height - reach[1])
    area = there[top - reach[1] : bottom + reach[1], left - reach[0] : right + reach[0]]
    part = np.ascontiguousarray(known[top:bottom, left:right])
    likeness = cv2.matchTemplate(
        np.ascontiguousarray(area), part, cv2.TM_CCOEFF_NORMED, mask=np.ascontiguousarray(mask[top:bottom, left:right])
    )
    likeness = np.nan_to_num(likeness, nan=-1, posinf=-1, neginf=-1)
    row, column = (int(place) for place in np.unravel_index(int(likeness.argmax()), likeness.shape))
    if not (0 < row < likeness.shape[0] - 1 and 0 < column < likeness.shape[1] - 1):
        return None
    across, down = _peak(likeness[row, column - 1 : column + 2]), _peak(likeness[row - 1 : row + 2, column])
    return np.array([column - reach[0] + across, row - reach[1] + down]), float(likeness[row, column])


def _peak(three: NDArray[np.floating]) -> float:
    """Returns the place of the top of a parabola through three values, from the middle one."""
    before, top, after = (float(value) for value in three)
    curve = before - 2 * top + after
    return 0.5 * (before - after) / curve if curve < 0 else 0.0


def _red(image: RGBImage) -> Patch:
    """Returns red, in which skin is bright and an iris of any colour dark."""
    return np.asarray(cv2.GaussianBlur(image[..., 0].astype(np.float32), (0, 0), _BLUR_PX), dtype=np.float32)


def _place(face: DetectedFace, eye: int) -> Matrix:
    """Returns (2, 3), from the patch of an eye to the picture."""
    across = (face.landmarks[1] - face.landmarks[0]).astype(np.float64)
    axes = np.column_stack([across, [-across[1], across[0]]]) / _EYES_PX
    return np.column_stack([axes, face.landmarks[eye] - axes @ _MIDDLE]).astype(np.float32)


def _affine(source: NDArray[np.float32], target: NDArray[np.float32]) -> Matrix:
    """Returns (2, 3), the affine map that brings five landmarks nearest to others."""
    matrix, *_ = np.linalg.lstsq(np.column_stack([source, np.ones(len(source))]), target, rcond=None)
    return np.asarray(matrix.T, dtype=np.float32)


def _after(second: Matrix, first: Matrix) -> Matrix:
    """Returns the map that applies `first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]).astype(
        np.float32
    )


def _cut(picture: Patch, place: Matrix) -> Patch:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(picture, place, _SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, dtype=np.float32)


def _ellipse(axes: tuple[float, float]) -> NDArray[np.bool_]:
    y, x = np.mgrid[0 : _SIZE[1], 0 : _SIZE[0]]
    return np.asarray(((x - _MIDDLE[0]) / axes[0]) ** 2 + ((y - _MIDDLE[1]) / axes[1]) ** 2 < 1)


_MIDDLE = (np.array(_SIZE) - 1) / 2
_AROUND = np.asarray(~_ellipse(_OPEN), dtype=np.uint8) * 255
_LIDS_MASK = np.asarray(_ellipse(_LIDS) & ~_ellipse(_OPEN), dtype=np.float32)
_IRIS_MASK = np.asarray(_ellipse(_IRIS), dtype=np.float32)
