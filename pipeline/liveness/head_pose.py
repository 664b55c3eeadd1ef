"""Head pose from five landmarks and a generic three-dimensional face.

The pose is that of a scaled orthographic camera, fitted by least squares and brought to the nearest rotation. It needs
no focal length, which a client rarely knows, and has one answer where nearly flat points leave a perspective one two.
Angles are taken relative to the person's own neutral frames, which takes out most of what a generic face gets wrong.
On rendered heads, whose noses stand out farther than the generic one, turns of 20 degrees are seen as 30 to 45 and nods
as somewhat less than they are, with about 3 degrees of noise: enough to tell that and whither, not how far.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FACE_MM = np.array(
    [[-31.5, -32.0, -6.0], [31.5, -32.0, -6.0], [0.0, 0.0, 19.0], [-25.0, 32.0, -4.0], [25.0, 32.0, -4.0]]
)
"""(5, 3): eyes, nose tip and corners of the mouth in the order of `DetectedFace.landmarks`; x right in the picture,
y down, z to the camera, in millimetres, about the averages of adult anthropometry (eyes 63 mm apart)."""


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees and pixels.

    Attributes:
        yaw: positive when the face turns to the right of the picture, which is the person's own left.
        pitch: positive when it looks up.
        roll: positive when the head leans to the right of the picture.
        scale: pixels a millimetre of the generic face.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float


STRAIGHT = HeadPose(0.0, 0.0, 0.0, 1.0)


def estimate(landmarks: NDArray[np.float32]) -> HeadPose:
    """Pose of (5, 2) landmarks; raises ValueError when they are all one point."""
    image = landmarks - landmarks.mean(axis=0)
    face = FACE_MM - FACE_MM.mean(axis=0)
    affine, *_ = np.linalg.lstsq(face, image.astype(np.float64), rcond=None)
    return of_axes(*affine.T)


def of_axes(first: NDArray[np.float64], second: NDArray[np.float64]) -> HeadPose:
    """Pose of a fitted camera: (3,) what x, y and z of the face add to x and to y of the picture.

    Raises:
        ValueError: both are nothing.
    """
    scale = float((np.linalg.norm(first) + np.linalg.norm(second)) / 2)
    if scale < 1e-6:
        raise ValueError("a face's landmarks are not all one point")
    rows = np.stack([first, second]) / scale
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    across, down = left @ right
    toward = np.cross(across, down)
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(-down[2], toward[2]))
    roll = np.degrees(np.arctan2(-across[1], across[0]))
    return HeadPose(float(yaw), float(pitch), float(roll), scale)
