"""Eyes and mouth of a face, by networks of landmarks: how far the eyes are open, and whether the mouth is seen.

Skin keeps its hue and saturation from the bridge of the nose to the chin, lips have more of it, and a beard leaves the
lips free. Paper and cloth over mouth and nose have another hue or hardly any, unless strongly coloured light gives them
the skin's.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceLandmarker, RGBImage

# Points of MediaPipe's face model. A mask covers the cheeks and the nose, so that skin is taken between the eyes.
_BETWEEN_EYES = (9, 8, 168, 55, 285, 107, 336, 151, 108, 337)
_CHIN = (152, 148, 377, 200, 199, 18, 83, 313, 182, 406, 201, 421, 194, 418)
_AROUND_MOUTH = (164, 165, 391, 92, 322, 186, 410, 57, 287, 43, 273, 106, 335, 204, 424)
_LIPS = (0, 37, 267, 17, 84, 314, 40, 270, 91, 321, 16, 85, 315)
_PATCH = 0.02  # of the face's width, to each side of a point. Chosen by hand; no outside source
_MIN_PRESENCE = 0.5
"""Of a face, by the network. Bare faces have 0.99 or more, 500 of LFW's split tuning, and masked ones 0 to 1."""
_MIN_CHROMA = 3.0  # CIELAB units; below it the picture has no colour to compare, as in `occlusion`


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Facts of eyes and mouth.

    Attributes:
        eyes: opening of the less open eye, over its width. None where the network sees no face.
        mouth: colour of chin, surroundings of the mouth or lips, whichever has most of the skin's between the eyes, as
            a share of that: 1 for the same skin, about 0 for white paper. None likewise, and without any colour.
    """

    eyes: float | None
    mouth: float | None

    @classmethod
    def of(cls, image: RGBImage, found: DetectedFace, landmarker: FaceLandmarker) -> "Landmarks":
        """Measures a face in a picture of any size."""
        mesh = landmarker.mesh(image, found)
        if mesh.presence < _MIN_PRESENCE:
            return cls(None, None)
        eyes = min(eye.opening for eye in landmarker.eyes(image, mesh))
        reach = max(1, round(_PATCH * found.box[2]))
        areas = (_BETWEEN_EYES, _CHIN, _AROUND_MOUTH, _LIPS)
        skin, *lower = (_chroma(image, mesh.points[list(area)], reach) for area in areas)
        saturation = float(np.hypot(*np.median(skin, axis=0)))
        if saturation < _MIN_CHROMA:
            return cls(eyes, None)
        axis = np.median(skin, axis=0) / saturation**2
        return cls(eyes, max(float(np.median(area @ axis)) for area in lower))


def _chroma(image: RGBImage, points: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """Returns (n, 2), CIELAB's a and b of the mean colour around each point."""
    height, width = image.shape[:2]
    means = []
    for x, y in np.clip(points.round().astype(int), 0, (width - 1, height - 1)):
        around = image[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        means.append(around.reshape(-1, 3).mean(axis=0))
    colours = np.asarray(means, dtype=np.float32)[None] / 255
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0, :, 1:], dtype=np.float64)
