"""A light pattern projected on a part of the card, as by a projector or a laser with a grating."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.pipeline.documents import Box, DocumentType


class AddedLight(Protocol):
    """Light that falls on a card besides the room's."""

    def on(self, document: DocumentType) -> NDArray[np.float32]:
        """Returns (h, w, 3) at `SCALE`: the added irradiance, 1 for that of the whole room."""


@dataclass(frozen=True)
class ProjectedPattern:
    """Coloured lines with speckle.

    Attributes:
        box: position on the card.
        colours: linear light of the lines, in turn.
        pitch_mm: distance of two lines.
        angle: of the lines, radians.
        seed: of the speckle.
    """

    box: Box
    colours: tuple[tuple[float, float, float], ...]
    pitch_mm: float
    angle: float
    seed: int

    def on(self, document: DocumentType) -> NDArray[np.float32]:
        """Returns (h, w, 3) at `SCALE`: the added irradiance."""
        width, height = round(document.width_mm * SCALE), round(document.height_mm * SCALE)
        left, top, right, bottom = self.box.pixels(SCALE, pad_mm=0.5)
        y, x = np.mgrid[top:bottom, left:right] / SCALE
        place = (x * np.cos(self.angle) + y * np.sin(self.angle)) / self.pitch_mm
        line = 0.5 + 0.5 * np.cos(2 * np.pi * place)
        colour = np.array(self.colours)[np.floor(place + 0.5).astype(int) % len(self.colours)]
        grain = np.random.default_rng(self.seed).exponential(1.0, line.shape)
        speckle = cv2.GaussianBlur(grain, (0, 0), 0.06 * SCALE)
        result = np.zeros((height, width, 3), dtype=np.float32)
        result[top:bottom, left:right] = (line * speckle)[..., None] * colour
        return result
