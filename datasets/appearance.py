"""Pose, eyes, mouth and forehead of the face in a photograph, by which photographs are chosen for what they show.

A person in front of a camera looks ahead, with open eyes and a closed mouth, until something else is asked for. An
issuing department takes portraits by ISO/IEC 19794-5 and ICAO Doc 9303: the head straight, eyes open and visible, mouth
closed, no dark glasses, no head covering over the forehead. Photographs of events, as in LFW, are often neither. No
comparison of faces has a part in the choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.profiles import Landmarks, load_landmarker
from idproof.models.types import EyeContour, RGBImage
from idproof.pipeline.liveness.head_pose import estimate_pose

# Chosen by hand on 450 photographs of the split tuning, by looking at them; no outside source. Open eyes have 0.12 to
# 0.3, closed ones 0.06 to 0.09; a mouth that shows teeth has 0.15 or more.
_MIN_EYES, _MAX_MOUTH = 0.12, 0.15
_MAX_YAW_DEG = 30.0
"""Of somebody who looks ahead, by five landmarks, which show turns half as large again as they are."""
_PORTRAIT_YAW_DEG, _PORTRAIT_ROLL_DEG = 15.0, 10.0
"""Of an issuer's portrait. ISO/IEC 19794-5 allows 5 degrees to the side and 8 of roll; by landmarks 5 are up to 8, and
their noise is 3 to 5 degrees."""
_MIN_EYE_CONTRAST = 25.0
"""Lightness between the lids: iris and white differ by 30 to 100 of 255 levels, dark glasses by up to 20."""
_MAX_FOREHEAD = 45.0
"""Colour distance of the forehead from the cheeks: bare foreheads up to 40, caps and hats 50 to 140, and fringes."""

_CHEEKS = (50, 280, 101, 330, 36, 266)
_FOREHEAD = (10, 67, 297, 109, 338, 69, 299)
"""Points of MediaPipe's face model."""
_PATCH_PX = 2  # of the photograph, to each side of a point


@dataclass(frozen=True, slots=True)
class Appearance:
    """Facts of a face in a photograph.

    Attributes:
        yaw_deg, roll_deg: of the head, by five landmarks; 0 is straight ahead and upright.
        eyes: opening of the less open eye, over its width.
        mouth: opening of the mouth, over its width.
        eye_contrast: 10th to 90th percentile of lightness between the lids of the eye that shows less, 0..255.
        forehead: distance of the forehead's colour from the cheeks', CIELAB in 8 bits.
    """

    yaw_deg: float
    roll_deg: float
    eyes: float
    mouth: float
    eye_contrast: float
    forehead: float

    @classmethod
    def of(cls, photograph: RGBImage) -> Self | None:
        """Measures the most certain face of a photograph; None without a face."""
        networks = landmark_networks()
        faces = networks.detector.detect(photograph)
        if not faces:
            return None
        pose = estimate_pose(faces[0].landmarks)
        mesh = networks.landmarker.mesh(photograph, faces[0])
        eyes = networks.landmarker.eyes(photograph, mesh)
        smooth = cv2.GaussianBlur(photograph, (0, 0), 1.0)
        lab = np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), dtype=np.float64)
        forehead, cheeks = (_colour(lab, mesh.points[list(points)]) for points in (_FOREHEAD, _CHEEKS))
        return cls(
            pose.yaw,
            pose.roll,
            min(eye.opening for eye in eyes),
            mesh.mouth_opening,
            min(_contrast(lab[..., 0], eye) for eye in eyes),
            float(np.linalg.norm(forehead - cheeks)),
        )

    @property
    def looks_ahead(self) -> bool:
        """True for open eyes, a closed mouth and a head that is not turned aside."""
        return self.eyes >= _MIN_EYES and self.mouth <= _MAX_MOUTH and abs(self.yaw_deg) <= _MAX_YAW_DEG

    @property
    def is_as_issued(self) -> bool:
        """True for a portrait as an issuing department takes it."""
        straight = abs(self.yaw_deg) <= _PORTRAIT_YAW_DEG and abs(self.roll_deg) <= _PORTRAIT_ROLL_DEG
        bare = self.eye_contrast >= _MIN_EYE_CONTRAST and self.forehead <= _MAX_FOREHEAD
        return self.looks_ahead and straight and bare


def looking_ahead(photographs: Iterable[RGBImage]) -> RGBImage:
    """Returns the first photograph of somebody who looks ahead; raises ValueError when there is none."""
    for photograph in photographs:
        seen = Appearance.of(photograph)
        if seen is not None and seen.looks_ahead:
            return photograph
    raise ValueError("no photograph shows somebody who looks ahead")


@lru_cache(maxsize=1)
def landmark_networks() -> Landmarks:
    """Opens the networks of the default profile, once per process."""
    return load_landmarker()


def _colour(lab: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the median over points of the median colour around each."""
    height, width = lab.shape[:2]
    found = []
    for x, y in np.clip(points.round().astype(int), 0, (width - 1, height - 1)):
        around = lab[max(0, y - _PATCH_PX) : y + _PATCH_PX + 1, max(0, x - _PATCH_PX) : x + _PATCH_PX + 1]
        found.append(np.median(around.reshape(-1, 3), axis=0))
    return np.asarray(np.median(found, axis=0))


def _contrast(lightness: NDArray[np.float64], eye: EyeContour) -> float:
    outline = eye.points[[*range(9), *range(15, 8, -1)]]
    within = cv2.fillPoly(np.zeros(lightness.shape, np.uint8), [outline.round().astype(np.int32)], (1,))
    low, high = np.percentile(lightness[np.asarray(within) > 0], (10, 90)) if np.any(within) else (0.0, 0.0)
    return float(high - low)
