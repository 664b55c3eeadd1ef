"""Fingers that hold the card: smooth shapes over its edge, never over a field."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.view import View

_REACH_MM = (1.0, 2.8)  # how far over the edge: the border is covered, the fields begin further in

_LENGTH_MM = 110.0  # out of the picture; much further, and the drawing's whole numbers overflow


@dataclass(frozen=True)
class Hand:
    """A thumb over one edge.

    Attributes:
        edge: left, right, top or bottom.
        along: where on the edge, as a share of its length.
        reach_mm: how far the tip reaches over the card.
        breadth_mm: of the thumb.
        skin: (3,), linear colour.
    """

    edge: str
    along: float
    reach_mm: float
    breadth_mm: float
    skin: tuple[float, float, float]

    @classmethod
    def draw(cls, draws: Draws, skin: tuple[float, float, float]) -> "Hand":
        """The hand of a person of this skin, somewhere on an edge."""
        return cls(
            edge=str(draws.rng.choice(["left", "right", "bottom"])),
            along=draws.uniform(0.2, 0.8),
            reach_mm=draws.uniform(*_REACH_MM),
            breadth_mm=draws.uniform(14, 19),
            skin=skin,
        )

    @staticmethod
    def skin_of_somebody(draws: Draws) -> tuple[float, float, float]:
        """Linear colour, from dark to light."""
        tone = draws.uniform(0.12, 0.62)
        return tone, tone * draws.uniform(0.58, 0.72), tone * draws.uniform(0.38, 0.55)

    def over(self, radiance: NDArray[np.float32], view: View, falling: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scene with the thumb on it."""
        mask = np.zeros(radiance.shape[:2], dtype=np.float32)
        outline = np.round(view.at(self._shape(view)) * 8).astype(np.int32)
        cv2.fillPoly(mask, [outline], 1.0, shift=3, lineType=cv2.LINE_AA)
        round_off = 0.72 + 0.28 * cv2.GaussianBlur(mask, (0, 0), 14.0)
        flesh = falling * np.array(self.skin, dtype=np.float32) * round_off[..., None]
        soft = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None]
        return np.asarray(radiance + (flesh - radiance) * soft, dtype=np.float32)

    def _shape(self, view: View) -> NDArray[np.float64]:
        """(n, 2), millimetres on the card's plane: a long rounded bar from outside to a little over the edge."""
        angle = np.linspace(-np.pi / 2, np.pi / 2, 24)
        half = self.breadth_mm / 2
        tip = np.column_stack([self.reach_mm - half + half * np.cos(angle), half * np.sin(angle)])
        bar = np.vstack([[-_LENGTH_MM, -half], tip, [-_LENGTH_MM, half]])
        width, height = view.document.width_mm, view.document.height_mm
        if self.edge == "left":
            return np.asarray(bar + np.array([0, self.along * height]))
        if self.edge == "right":
            return np.asarray(bar * np.array([-1, 1]) + np.array([width, self.along * height]))
        return np.column_stack([bar[:, 1] + self.along * width, height - bar[:, 0]])
