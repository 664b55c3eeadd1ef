"""Head pose from five landmarks and a generic three-dimensional face.

The pose is that of a scaled orthographic camera, fitted by least squares and brought to the nearest rotation. It needs
no focal length, which a client rarely knows, and has one solution where nearly flat points leave a perspective camera
two. Angles are taken relative to the person's own neutral frames, which removes most of the generic face's error.
On rendered heads, whose noses stand out farther than the generic one, turns of 20 degrees are measured as 30 to 45 and
nods as somewhat less than they are, with about 3 degrees of noise: enough for the fact and direction of a turn, not for
its size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EYE_DISTANCE_MM = 63.0
"""Mean distance between adults' pupils (Dodgson, "Variation and extrema of human interpupillary distance", 2004)."""

FACE_MM = np.array(
    [[-31.5, -32.0, -6.0], [31.5, -32.0, -6.0], [0.0, 0.0, 19.0], [-25.0, 32.0, -4.0], [25.0, 32.0, -4.0]]
)
"""(5, 3): eyes, nose tip and corners of the mouth in the order of `DetectedFace.landmarks`; x right in the picture,
y down, z towards the camera, in millimetres. Eyes are `EYE_DISTANCE_MM` apart; the rest was chosen by hand near the
averages of adult anthropometry."""

_MIN_SCALE = 1e-6  # pixels per millimetre; below it all points are one


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Angles of the head in degrees, and its size in the picture.

    Attributes:
        yaw: positive when the face turns to the right of the picture, which is the person's own left.
        pitch: positive when the person looks up.
        roll: positive when the head leans to the right of the picture.
        scale: pixels per millimetre of the generic face.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float


STRAIGHT = HeadPose(0.0, 0.0, 0.0, 1.0)


def estimate_pose(landmarks: NDArray[np.float32]) -> HeadPose:
    """Returns the pose of (5, 2) landmarks; raises ValueError when all are one point."""
    image = landmarks - landmarks.mean(axis=0)
    face = FACE_MM - FACE_MM.mean(axis=0)
    affine, *_ = np.linalg.lstsq(face, image.astype(np.float64), rcond=None)
    return pose_from_axes(*affine.T)


def pose_from_axes(first: NDArray[np.float64], second: NDArray[np.float64]) -> HeadPose:
    """Returns the pose of a fitted camera.

    Args:
        first: (3,), picture x per x, y and z of the face.
        second: (3,), picture y per x, y and z of the face.

    Raises:
        ValueError: both are zero.
    """
    scale = float((np.linalg.norm(first) + np.linalg.norm(second)) / 2)
    if scale < _MIN_SCALE:
        raise ValueError("a face's landmarks are not all one point")
    rows = np.stack([first, second]) / scale
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    across, down = left @ right
    toward = np.cross(across, down)
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(-down[2], toward[2]))
    roll = np.degrees(np.arctan2(-across[1], across[0]))
    return HeadPose(float(yaw), float(pitch), float(roll), scale)
