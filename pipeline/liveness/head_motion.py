"""A generic face in three dimensions, laid over the first frame's face and fitted to where its points went.

Fifty to ninety points that are followed show a nod that five landmarks hardly do, and whether they moved as those of a
head or of a plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace
from idproof.pipeline.liveness.face_tracking import Seen, Watched, follow
from idproof.pipeline.liveness.head_pose import FACE_MM, HeadPose, of_axes

_LEAST_POINTS = 14
_OF_LANDMARKS = {"yaw": 1.1, "pitch": 3.0}
"""What five landmarks show of a turn, brought to what followed points show of it: medians of tuning people."""

_AS_LANDMARKS = 0.6  # of what followed points show of a turn, landmarks show at the least


@dataclass(frozen=True, slots=True)
class Moved:
    """One frame against the first.

    Attributes:
        place: in the clip.
        pose: degrees from the first frame's, and the size as a share of its.
        turned_deg: how far it is turned or nodded, by landmarks, which say it of a sheet too, or by the points.
        gain: natural logarithm of a plane's residual over the solid face's; None with too few points.
    """

    place: int
    pose: HeadPose
    turned_deg: float
    gain: float | None


def moved(watched: Watched, start: Seen, others: Sequence[Seen]) -> list[Moved]:
    """Each of `others` against `start`, by followed points; by landmarks where too few could be followed.

    Both must have a face.
    """
    return [_moved(start, entry, points, there) for entry, points, there in follow(watched, start, others)]


def _moved(start: Seen, entry: Seen, points: NDArray[np.float32], there: NDArray[np.float32]) -> Moved:
    if start.face is None or start.pose is None or entry.pose is None:
        raise ValueError("frames that are compared have a face")
    turned = float(np.hypot(entry.pose.yaw - start.pose.yaw, entry.pose.pitch - start.pose.pitch))
    if len(points) < _LEAST_POINTS:
        return Moved(entry.place, _by_landmarks(start.pose, entry.pose), turned, None)
    eyes = start.face.inter_eye_distance
    solid = np.column_stack([points, _generic_depth(start.face, points), np.ones(len(points))])
    solid[:, :3] /= eyes
    wanted = np.asarray(there / eyes, dtype=np.float64)
    matrix = _robust(solid, wanted)
    of_solid = float(np.median(np.linalg.norm(solid @ matrix - wanted, axis=1)))
    pose = of_axes(matrix[:3, 0], matrix[:3, 1])
    turned = max(turned, _AS_LANDMARKS * float(np.hypot(pose.yaw, pose.pitch)))
    return Moved(entry.place, pose, turned, _gain(points, there, eyes, of_solid))


def _by_landmarks(start: HeadPose, there: HeadPose) -> HeadPose:
    yaw, pitch = (_OF_LANDMARKS[name] * (getattr(there, name) - getattr(start, name)) for name in ("yaw", "pitch"))
    return replace(there, yaw=yaw, pitch=pitch, roll=there.roll - start.roll, scale=there.scale / start.scale)


def _gain(points: NDArray[np.float32], there: NDArray[np.float32], eyes: float, of_solid: float) -> float | None:
    homography, _ = cv2.findHomography(points, there, cv2.LMEDS)
    if homography is None:
        return None
    flat = cv2.perspectiveTransform(points[:, None], homography)[:, 0]
    of_plane = float(np.median(np.linalg.norm(flat - there, axis=1)) / eyes)
    return float(np.log((of_plane + 0.002) / (of_solid + 0.002)))


def _robust(known: NDArray[np.float64], wanted: NDArray[np.float64], rounds: int = 4) -> NDArray[np.float64]:
    """Least squares that points far off count less for (iteratively reweighted, Cauchy's weights)."""
    weight = np.ones(len(known))
    for _ in range(rounds):
        matrix, *_ = np.linalg.lstsq(known * weight[:, None], wanted * weight[:, None], rcond=None)
        residual = np.linalg.norm(known @ matrix - wanted, axis=1)
        weight = np.sqrt(1 / (1 + (residual / max(1.5 * float(np.median(residual)), 1e-4)) ** 2))
    return np.asarray(matrix)


def _generic_depth(face: DetectedFace, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Depth in pixels of points on the face: an ellipsoid with a nose, laid over the landmarks."""
    known = np.column_stack([face.landmarks, np.ones(5)])
    matrix, *_ = np.linalg.lstsq(known, FACE_MM[:, :2], rcond=None)
    x, y = (np.column_stack([points, np.ones(len(points))]) @ matrix).T
    head = 80 * np.sqrt(np.clip(1 - (x / 82) ** 2 - ((y - 0) / 112) ** 2, 0, 1))
    nose = 22 * np.exp(-((x / 12) ** 2) - (y / np.where(y < 0, 26, 10)) ** 2)
    return np.asarray((head + nose) * face.inter_eye_distance / 63.0)
