"""Pose: how far the head is turned away (ISO/IEC 29794-5:2025, pose).

Turning about the camera's axis does not count: alignment undoes it. Up and down is not told apart from the shape of a
face by five points, so that only the turn to the side is measured.
"""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_NOSE_DEPTH = 0.55  # of the distance between the eyes: how far the tip stands out before the plane of eyes and mouth


def measure(face: Face) -> Measure:
    """Degrees that the head is turned to the side, 0..90.

    Seen from the side by an angle, the tip of the nose leaves the middle between eyes and mouth by the sine of it
    times how far it stands out, while the eyes come closer together by its cosine.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = face.found.landmarks.astype(np.float64)
    middle_of_eyes, middle_of_mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    down = middle_of_mouth - middle_of_eyes
    height = float(np.hypot(*down))
    if height == 0:
        return Measure("pose", None, "degrees", Better.LOWER)
    across = np.array([down[1], -down[0]]) / height
    offset = abs(float((nose - middle_of_eyes) @ across))
    between_eyes = abs(float((right_eye - left_eye) @ across))
    angle = np.degrees(np.arctan2(offset, _NOSE_DEPTH * between_eyes))
    return Measure("pose", float(angle), "degrees", Better.LOWER)
