"""Input and result of the components."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceLandmarker, RGBImage
from idproof.pipeline.face.quality.landmarks import Landmarks

FACE_PX = 40
"""Width of the face in `Face.scene`: the background is measured at the face's scale, not at the camera's.

Chosen by hand; no outside source."""
_MAX_SCENE_PX = 640  # of the longer side, for a tiny or false face


class Better(StrEnum):
    """Direction in which a quantity is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Measure:
    """One component's raw value.

    Attributes:
        name: the component.
        value: in `unit`; None when it could not be assessed.
        unit: of `value`.
        better: direction in which it is good.
    """

    name: str
    value: float | None
    unit: str
    better: Better


@dataclass(frozen=True, slots=True, repr=False)
class Face:
    """A face as the components measure it.

    Attributes:
        found: its place in the picture.
        size: (width, height) of the picture in pixels.
        luminance: (112, 112) float32, 0..255, of the aligned face.
        chroma: (112, 112, 2) float32, CIELAB's a and b of the aligned face.
        scene: (height, width) float32, 0..255: the picture, its face brought to `FACE_PX` of width.
        landmarks: of eyes and mouth; None for a profile without such networks.
    """

    found: DetectedFace
    size: tuple[int, int]
    luminance: NDArray[np.float32]
    chroma: NDArray[np.float32]
    scene: NDArray[np.float32]
    landmarks: Landmarks | None = None

    @classmethod
    def of(
        cls, image: RGBImage, found: DetectedFace, aligned: RGBImage, landmarker: FaceLandmarker | None = None
    ) -> "Face":
        """Builds it from the picture, the face in it, that face aligned, and networks of landmarks if there are any."""
        grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY).astype(np.float32)
        lab = cv2.cvtColor(aligned.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        size = (image.shape[1], image.shape[0])
        landmarks = None if landmarker is None else Landmarks.of(image, found, landmarker)
        return cls(found, size, np.asarray(grey), np.asarray(lab[..., 1:]), _scene(image, found), landmarks)

    @property
    def skin(self) -> NDArray[np.float32]:
        """The aligned face from brows to lips, between the outer corners of the eyes: hardly any hair or background.

        Rows and columns were chosen by hand.
        """
        return self.luminance[30:100, 24:88]


def _scene(image: RGBImage, found: DetectedFace) -> NDArray[np.float32]:
    scale = min(FACE_PX / max(found.box[2], 1.0), _MAX_SCENE_PX / max(image.shape[:2]))
    size = (max(3, round(image.shape[1] * scale)), max(3, round(image.shape[0] * scale)))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.float32)
