"""Measures, in one small picture of a card that is being turned, what must change with the angle.

Pictures are read ten times a second, and only these numbers stay of them: the card's place, how far the second portrait
has slid, the light of the hologram's zones, and how alike the main portrait is to that of an earlier capture.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks import second_portrait
from idproof.pipeline.card.checks.hologram import Hologram
from idproof.pipeline.card.imaging import LINEAR_LIGHT, Grey, band_pass
from idproof.pipeline.card.view import CardView, mm_from_pixels
from idproof.pipeline.documents import DocumentType, Region

# Chosen by hand on rendered tuning films; no outside source.
_PX_PER_MM = 6.0  # twice what a preview has, so that the second portrait is found to a fraction of its pixels
_PATCH_PX_PER_MM = 3.0
_LEAST_CORRELATION = 0.5  # of the two portraits, below which the second one's place is not known
_FINE_MM, _TONE_MM = 0.35, 3.0  # standard deviations of the blurs between which two portraits are compared
_DARKEST = 0.01  # of linear light; darker differences are noise
_LOG_LIGHT = np.log(LINEAR_LIGHT + _DARKEST).astype(np.float32)


@dataclass(frozen=True, slots=True)
class TurnFrame:
    """Numbers of one picture of a card that was found in it.

    Attributes:
        at_s: time, by the device.
        view: place of the card.
        slide_mm: distance of the second portrait from its place at a right angle, or None where it is not seen.
        zones: natural logarithm of the light of each zone of the hologram and colour, less the mean of all zones; empty
            for a type without zones.
        same: correlation of the main portrait with that of the earlier capture, -1..1; None without one.
    """

    at_s: float
    view: CardView
    slide_mm: float | None
    zones: tuple[float, ...] = ()
    same: float | None = None


@dataclass(frozen=True)
class TurnMeter:
    """Measures pictures of cards of one type. Made once, used from any thread.

    Attributes:
        document: the type, at this file's resolution.
        region: its second portrait when that slides, or None.
        hologram: the region with those zones, or None.
        zones: (h, w), zones of its hologram by number, 0 between them; or None.
    """

    document: DocumentType
    region: Region | None
    hologram: Region | None
    zones: NDArray[np.uint8] | None = field(repr=False)

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares for a type; raises `DocumentTypeInvalid`."""
        small = replace(document, px_per_mm=_PX_PER_MM)
        region = second_portrait.second_portrait_region(document)
        if region is not None and region.slide_mm_per_deg == 0:
            region = None
        if not Hologram.applies(document):
            return cls(small, region, None, None)
        hologram = Hologram.open(document)
        left, top, right, bottom = hologram.region.box.pixels(_PX_PER_MM)
        zones = cv2.resize(hologram.zones, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        return cls(small, region, hologram.region, np.asarray(zones, dtype=np.uint8))

    def measure(self, image: RGBImage, view: CardView, at_s: float, portrait: Grey | None = None) -> TurnFrame:
        """Measures a picture.

        Args:
            image: it, RGB.
            view: place of the card in it.
            at_s: its time.
            portrait: of `portrait` in an earlier picture, to compare with; or None.
        """
        straight = self._straight(image, view)
        try:
            same = None
            if portrait is not None:
                own = self._cut_portrait(straight)
                same = _alike(portrait, own)
                own.fill(0)
            return TurnFrame(at_s, view, self._slide(straight), self._zone_light(straight), same)
        finally:
            straight.fill(0)

    def portrait(self, image: RGBImage, view: CardView) -> Grey:
        """Returns the card's portrait in a picture, (h, w), to compare later pictures with. It belongs in the vault."""
        straight = self._straight(image, view)
        try:
            return self._cut_portrait(straight)
        finally:
            straight.fill(0)

    def _straight(self, image: RGBImage, view: CardView) -> RGBImage:
        size = (round(self.document.width_mm * _PX_PER_MM), round(self.document.height_mm * _PX_PER_MM))
        to_card = np.linalg.inv(view.homography @ mm_from_pixels(_PX_PER_MM))
        return np.asarray(cv2.warpPerspective(image, to_card, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def _slide(self, straight: RGBImage) -> float | None:
        if self.region is None:
            return None
        place = second_portrait.locate(straight, self.region, self.document)
        return place.offset_mm if place.correlation >= _LEAST_CORRELATION else None

    def _zone_light(self, straight: RGBImage) -> tuple[float, ...]:
        if self.hologram is None or self.zones is None:
            return ()
        left, top, right, bottom = self.hologram.box.pixels(_PX_PER_MM)
        light = _LOG_LIGHT[straight[top:bottom, left:right]]
        counts = np.bincount(self.zones.ravel())
        sums = np.stack([np.bincount(self.zones.ravel(), light[..., i].ravel()) for i in range(3)], axis=1)
        means = sums[1:] / np.maximum(counts[1:, None], 1)
        means -= np.average(means, axis=0, weights=counts[1:])
        return tuple(float(value) for value in means.ravel())

    def _cut_portrait(self, straight: RGBImage) -> Grey:
        left, top, right, bottom = self.document.portrait.pixels(_PX_PER_MM)
        grey = cv2.cvtColor(straight[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
        scale = _PATCH_PX_PER_MM / _PX_PER_MM
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)


def _alike(one: Grey, other: Grey) -> float:
    """Returns the correlation of two portraits of one size without light and noise, -1..1."""
    detail = [band_pass(each, _FINE_MM * _PATCH_PX_PER_MM, _TONE_MM * _PATCH_PX_PER_MM) for each in (one, other)]
    a, b = (each - each.mean() for each in detail)
    power = float(np.sqrt(float((a * a).sum()) * float((b * b).sum())))
    return float((a * b).sum()) / power if power > 0 else 0.0
