"""Pose: turn of the head to the side (ISO/IEC 29794-5:2025, pose).

Roll about the camera's axis does not count, because alignment undoes it. Five points cannot distinguish a nod from the
shape of a face, so only the turn to the side is measured.
"""

import numpy as np

from idproof.pipeline.face.quality.types import Better, Face, Measure

_NOSE_DEPTH = 0.55
"""Height of the nose's tip above the plane of eyes and mouth, as a share of the distance between the eyes.

Chosen by hand; no outside source."""


def measure(face: Face) -> Measure:
    """Measures the degrees that the head is turned to the side, 0..90.

    At a turn by an angle, the tip of the nose leaves the middle line by its height times the sine of the angle, and the
    distance between the eyes shrinks by the cosine.
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
