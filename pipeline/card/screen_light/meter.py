"""Measures, in one small picture of a card, the colour of the light on its left and on its right side.

Light on paper multiplies what is printed: dark print and white paper change by the same factor. Light that glass
mirrors is added to what lies behind it: dark and white change by the same amount, and the print's contrast stays. So
the contrast of the print, against the same print a moment before, gives the light that the print reflects, and the mean
gives all light, also what is mirrored.
"""

from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import LINEAR_LIGHT
from idproof.pipeline.card.view import CardView, mm_from_pixels
from idproof.pipeline.documents import DocumentType

# Chosen by hand on rendered tuning films; no outside source.
_PX_PER_MM = 4.0  # a preview has 3 to 4
_FINE_MM, _COARSE_MM = 0.15, 2.0  # standard deviations of the blurs between which print is compared
_SIDE_SHARE = 0.45  # of the card's width, that counts as its left and as its right side
_EDGE_MM, _BESIDE_MM = 1.5, 0.8  # left out along the card's edge, and around what changes with the angle
_LINEAR = LINEAR_LIGHT.astype(np.float32)

Sides = NDArray[np.float64]
"""(2, 3): left and right side of the card in the picture, red, green and blue."""


@dataclass(frozen=True)
class LitFrame:
    """Numbers of one picture of a card that was found in it.

    Attributes:
        at_ms: time, by the device.
        contrast: the print's contrast as a multiple of that of the picture before the light.
        level: mean light as a multiple of that of the picture before the light.
    """

    at_ms: float
    contrast: Sides = field(repr=False)
    level: Sides = field(repr=False)


@dataclass(frozen=True)
class LightMeter:
    """Measures pictures of cards of one type. Made once, used from any thread.

    Attributes:
        document: the type.
        sides: (2, h, w), pixels that are measured on the left and on the right side.
    """

    document: DocumentType
    sides: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares for a type: all of a card is measured but its edge and what changes with the angle of view."""
        width, height = round(document.width_mm * _PX_PER_MM), round(document.height_mm * _PX_PER_MM)
        used = np.zeros((height, width), dtype=np.bool_)
        edge, side = round(_EDGE_MM * _PX_PER_MM), round(_SIDE_SHARE * width)
        used[edge:-edge, edge:-edge] = True
        for region in document.regions:
            if region.kind != "window":
                left, top, right, bottom = region.box.pixels(_PX_PER_MM, pad_mm=_BESIDE_MM)
                used[max(0, top) : bottom, max(0, left) : right] = False
        sides = np.stack([used, used])
        sides[0, :, side:] = sides[1, :, : width - side] = False
        return cls(document, sides)

    def straightened(self, image: RGBImage, view: CardView) -> RGBImage:
        """Returns the card of a picture put straight, (h, w, 3), to compare later ones with. It belongs in the vault.

        Args:
            image: the picture, RGB.
            view: place of the card in it.
        """
        size = (self.sides.shape[2], self.sides.shape[1])
        to_card = np.linalg.inv(view.homography @ mm_from_pixels(_PX_PER_MM))
        return np.asarray(cv2.warpPerspective(image, to_card, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def measure(self, image: RGBImage, view: CardView, at_ms: float, before: RGBImage) -> LitFrame:
        """Measures a picture.

        Args:
            image: it, RGB.
            view: place of the card in it.
            at_ms: its time.
            before: of `straightened`, the card before the light.
        """
        straight = self.straightened(image, view)
        try:
            own, other = _Planes.of(straight), _Planes.of(before)
        finally:
            straight.fill(0)
        contrast, level = np.ones((2, 3)), np.ones((2, 3))
        for index, side in enumerate(self.sides):
            print_before, print_now = other.contrast[side], own.contrast[side]
            power = (print_before**2).sum(axis=0)
            contrast[index] = (print_now * print_before).sum(axis=0) / np.maximum(power, 1e-9)
            level[index] = own.light[side].mean(axis=0) / np.maximum(other.light[side].mean(axis=0), 1e-9)
        own.wipe()
        other.wipe()
        return LitFrame(at_ms, contrast, level)


@dataclass(frozen=True)
class _Planes:
    """Linear light of a straightened card, (h, w, 3), and the contrast of its print."""

    light: NDArray[np.float32]
    contrast: NDArray[np.float32]

    @classmethod
    def of(cls, straight: RGBImage) -> Self:
        light = _LINEAR[straight]
        contrast = cv2.GaussianBlur(light, (0, 0), _FINE_MM * _PX_PER_MM)
        coarse = cv2.GaussianBlur(light, (0, 0), _COARSE_MM * _PX_PER_MM)
        contrast -= coarse
        coarse.fill(0)
        return cls(light, np.asarray(contrast, dtype=np.float32))

    def wipe(self) -> None:
        self.light.fill(0)
        self.contrast.fill(0)
