"""What the components look at, and what each of them gives."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage


class Better(StrEnum):
    """Which way a quantity is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Measure:
    """One component's raw value.

    Attributes:
        name: the component.
        value: in `unit`; None when it could not be assessed.
        unit: of `value`.
        better: which way is good.
    """

    name: str
    value: float | None
    unit: str
    better: Better


@dataclass(frozen=True, slots=True, repr=False)
class Face:
    """A face as the components see it.

    Attributes:
        found: where it is in the picture.
        size: (width, height) of the picture in pixels.
        luminance: (112, 112) float32, 0..255, of the aligned face.
    """

    found: DetectedFace
    size: tuple[int, int]
    luminance: NDArray[np.float32]

    @classmethod
    def of(cls, image: RGBImage, found: DetectedFace, aligned: RGBImage) -> "Face":
        """From the picture, the face in it, and that face aligned."""
        grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return cls(found, (image.shape[1], image.shape[0]), np.asarray(grey, dtype=np.float32))

    @property
    def skin(self) -> NDArray[np.float32]:
        """The aligned face from brows to lips, between the outer ends of the eyes: hardly any hair or background."""
        return self.luminance[30:100, 24:88]
