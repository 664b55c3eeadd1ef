"""Motion of the head against the first frame, by fitting a generic three-dimensional face to followed points.

Fifty to ninety followed points show a nod that five landmarks hardly show. They also show whether the points moved
like those of a head or like those of a plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame, track_points
from idproof.pipeline.liveness.head_pose import EYE_DISTANCE_MM, FACE_MM, HeadPose, pose_from_axes

_MIN_POINTS = 14  # chosen by hand on tuning data; no outside source
_LANDMARK_GAIN = {"yaw": 1.1, "pitch": 3.0}
"""Factors that bring an angle measured by five landmarks to what followed points show of it: medians over rendered
tuning people; no command reproduces them."""

_MIN_TURN_SHARE = 0.6
"""Share of the angle by followed points that landmarks show at the least; chosen by hand on tuning data; no outside
source."""

_FIT_ROUNDS = 4  # chosen by hand: the fit changes little afterwards; no outside source
_CAUCHY_SCALE = 1.5  # of the median residual; about the usual 1.4826 from median to standard deviation of normal errors
_MIN_CAUCHY_SCALE = 1e-4  # of the eye distance; keeps weights finite for an exact fit
_RESIDUAL_FLOOR = 0.002  # of the eye distance, below the precision of optical flow; chosen by hand, no outside source

# Generic depth of a face in millimetres: half an ellipsoid with a nose. Chosen by hand; no outside source.
_HEAD_DEPTH_MM, _HEAD_HALF_WIDTH_MM, _HEAD_HALF_HEIGHT_MM = 80.0, 82.0, 112.0
_NOSE_DEPTH_MM, _NOSE_WIDTH_MM, _NOSE_ABOVE_MM, _NOSE_BELOW_MM = 22.0, 12.0, 26.0, 10.0


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """One frame against the first.

    Attributes:
        index: in the clip.
        pose: degrees from the first frame's pose; scale as a share of the first frame's scale.
        turned_deg: angle of the turn or nod, by landmarks (which also show it on a sheet) or by the points, whichever
            is larger.
        gain: natural logarithm of a plane's residual over the solid face's; None with too few points.
    """

    index: int
    pose: HeadPose
    turned_deg: float
    gain: float | None


def measure_head_motion(tracked: TrackedClip, start: TrackedFrame, others: Sequence[TrackedFrame]) -> list[HeadMotion]:
    """Measures each of `others` against `start` by followed points, or by landmarks where too few could be followed.

    All frames must have a face.
    """
    return [_head_motion(start, frame, points, there) for frame, points, there in track_points(tracked, start, others)]


def _head_motion(
    start: TrackedFrame, frame: TrackedFrame, points: NDArray[np.float32], there: NDArray[np.float32]
) -> HeadMotion:
    if start.face is None or start.pose is None or frame.pose is None:
        raise ValueError("frames that are compared have a face")
    turned = float(np.hypot(frame.pose.yaw - start.pose.yaw, frame.pose.pitch - start.pose.pitch))
    if len(points) < _MIN_POINTS:
        return HeadMotion(frame.index, _pose_change_by_landmarks(start.pose, frame.pose), turned, None)
    eyes = start.face.inter_eye_distance
    solid = np.column_stack([points, _generic_depth(start.face, points), np.ones(len(points))])
    solid[:, :3] /= eyes
    target = np.asarray(there / eyes, dtype=np.float64)
    matrix = _robust_fit(solid, target)
    solid_residual = float(np.median(np.linalg.norm(solid @ matrix - target, axis=1)))
    pose = pose_from_axes(matrix[:3, 0], matrix[:3, 1])
    turned = max(turned, _MIN_TURN_SHARE * float(np.hypot(pose.yaw, pose.pitch)))
    return HeadMotion(frame.index, pose, turned, _gain(points, there, eyes, solid_residual))


def _pose_change_by_landmarks(start: HeadPose, there: HeadPose) -> HeadPose:
    yaw, pitch = (_LANDMARK_GAIN[name] * (getattr(there, name) - getattr(start, name)) for name in ("yaw", "pitch"))
    return replace(there, yaw=yaw, pitch=pitch, roll=there.roll - start.roll, scale=there.scale / start.scale)


def _gain(points: NDArray[np.float32], there: NDArray[np.float32], eyes: float, solid_residual: float) -> float | None:
    homography, _ = cv2.findHomography(points, there, cv2.LMEDS)
    if homography is None:
        return None
    flat = cv2.perspectiveTransform(points[:, None], homography)[:, 0]
    plane_residual = float(np.median(np.linalg.norm(flat - there, axis=1)) / eyes)
    return float(np.log((plane_residual + _RESIDUAL_FLOOR) / (solid_residual + _RESIDUAL_FLOOR)))


def _robust_fit(known: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fits a linear map by iteratively reweighted least squares with Cauchy weights, so that outliers count less.

    Not `scipy.optimize.least_squares(loss="cauchy")`: its scale is fixed, while this one follows the residuals of each
    round. On six rendered clips it moved `liveness_depth` by up to 0.04 and `liveness_actions` by up to 0.07, which
    would need a new calibration, and took 7 to 18 ms per clip instead of 1.5 to 1.8 ms.
    """
    weight = np.ones(len(known))
    for _ in range(_FIT_ROUNDS):
        matrix, *_ = np.linalg.lstsq(known * weight[:, None], target * weight[:, None], rcond=None)
        residual = np.linalg.norm(known @ matrix - target, axis=1)
        scale = max(_CAUCHY_SCALE * float(np.median(residual)), _MIN_CAUCHY_SCALE)
        weight = np.sqrt(1 / (1 + (residual / scale) ** 2))
    return np.asarray(matrix)


def _generic_depth(face: DetectedFace, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the depth in pixels of points on the face: an ellipsoid with a nose, placed by the landmarks."""
    landmarks = np.column_stack([face.landmarks, np.ones(5)])
    matrix, *_ = np.linalg.lstsq(landmarks, FACE_MM[:, :2], rcond=None)
    x, y = (np.column_stack([points, np.ones(len(points))]) @ matrix).T
    inside = np.clip(1 - (x / _HEAD_HALF_WIDTH_MM) ** 2 - (y / _HEAD_HALF_HEIGHT_MM) ** 2, 0, 1)
    head = _HEAD_DEPTH_MM * np.sqrt(inside)
    nose_height = np.where(y < 0, _NOSE_ABOVE_MM, _NOSE_BELOW_MM)
    nose = _NOSE_DEPTH_MM * np.exp(-((x / _NOSE_WIDTH_MM) ** 2) - (y / nose_height) ** 2)
    return np.asarray((head + nose) * face.inter_eye_distance / EYE_DISTANCE_MM)
