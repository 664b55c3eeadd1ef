"""One person's card: what is printed on it, and how it looks from an angle.

The optics are simple and honest about it: the hologram's hue and wave and the second portrait's position follow the
card's turn, a broad highlight of the laminate moves over it. A flat copy of the card has none of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.prints import FieldPrint, print_of
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box, DocumentType

_TEXT = (28, 28, 34)
_MARGIN_MM = 0.5  # before and after a field's text
_GROUND_BEHIND = 0.18  # share of the ground that shows behind a portrait
_HUE_PER_DEGREE = 0.035
_WAVE_PER_DEGREE = 0.16
_GHOST_SHIFT_MM_PER_DEGREE = 0.035


@dataclass(frozen=True)
class Card:
    """A specimen card.

    Attributes:
        document: its type.
        artwork_seed: of the background.
        fields: field name to printed text.
        portrait: the holder's photograph in LFW framing.
        optics_phase: where the hologram's colours start, 0..1.
        second_portrait: the photograph in the second portrait, or None for `portrait`, as on every genuine card.
        flat_copy: a copy, whose optically variable regions stay as one view showed them.
        edited: which field was changed afterwards and how (`field`, `kind`), or None.
    """

    document: DocumentType
    artwork_seed: int
    fields: Mapping[str, str] = field(repr=False)
    portrait: RGBImage = field(repr=False)
    optics_phase: float
    second_portrait: RGBImage | None = field(default=None, repr=False)
    flat_copy: bool = False
    edited: Mapping[str, str] | None = None

    def seen(self, turn_deg: float) -> RGBImage:
        """The card face on, (height, width, 3) at `SCALE`, coloured as it looks when turned by `turn_deg`."""
        turn = 0.0 if self.flat_copy else turn_deg
        picture = self._printed()
        self._ghost(picture, turn)
        self._hologram(picture, turn)
        self._window(picture)
        return picture

    def with_fields(self, **changed: str) -> "Card":
        """The same card with other printed fields."""
        return replace(self, fields={**self.fields, **changed})

    def _printed(self) -> RGBImage:
        drawn, wanted = artwork.draw(self.document, self.artwork_seed), print_of(self.document)
        ground = drawn.background.copy()
        _engrave(ground, self.document.portrait, self.portrait, strength=1.0)
        layer = Image.fromarray(artwork.composite(ground, drawn.ink))
        pen = ImageDraw.Draw(layer)
        for spec in self.document.fields:
            letters = _letters(self.fields[spec.name], wanted.of(spec.name), spec.box)
            place = ((spec.box.x + _MARGIN_MM) * SCALE, (spec.box.y + spec.box.height / 2) * SCALE)
            pen.text(place, self.fields[spec.name], font=letters, fill=_TEXT, anchor="lm")
        return np.array(layer)

    def _ghost(self, picture: RGBImage, turn: float) -> None:
        """The second portrait: two views side by side behind lenses; turning slides it and swaps its strength."""
        box = self.document.ghost
        if box is None:
            return
        inner = Box(box.x + 1.0, box.y + 0.3, box.width - 2.0, box.height - 0.6)
        moved = Box(inner.x + _GHOST_SHIFT_MM_PER_DEGREE * turn, inner.y, inner.width, inner.height)
        shown = self.portrait if self.second_portrait is None else self.second_portrait
        _engrave(picture, moved, shown, strength=float(0.62 + 0.15 * np.sin(np.radians(turn * 3))))

    def _hologram(self, picture: RGBImage, turn: float) -> None:
        for region in self.document.regions:
            if region.kind == "diffractive":
                left, top, right, bottom = region.box.pixels(SCALE)
                area = picture[top:bottom, left:right].astype(np.float32)
                shape, colour = _diffraction(area.shape[:2], turn, self.optics_phase)
                area += shape[..., None] * 0.55 * (colour - area)
                picture[top:bottom, left:right] = area.clip(0, 255).astype(np.uint8)

    def _window(self, picture: RGBImage) -> None:
        """A clear window with the number engraved in it."""
        for region in self.document.regions:
            if region.kind == "window":
                left, top, right, bottom = region.box.pixels(SCALE)
                area = picture[top:bottom, left:right]
                area[:] = (area * 0.45 + 235 * 0.55).astype(np.uint8)
                layer = Image.fromarray(area)
                ImageDraw.Draw(layer).text(
                    ((right - left) / 2, (bottom - top) / 2),
                    self.fields.get("number", ""),
                    font=artwork.font(False, 1.7),
                    fill=(110, 110, 116),
                    anchor="mm",
                )
                area[:] = np.array(layer)


def _letters(text: str, wanted: FieldPrint, box: Box) -> ImageFont.FreeTypeFont:
    """The type's letters, or smaller ones where a long text would leave its box."""
    letters = artwork.font(wanted.serif, wanted.height_mm)
    room = (box.width - 2 * _MARGIN_MM) * SCALE
    length = letters.getlength(text)
    return letters if length <= room else artwork.font(wanted.serif, wanted.height_mm * room / length * 0.995)


def _engrave(picture: RGBImage, box: Box, photograph: RGBImage, strength: float) -> None:
    """A photograph as laser engraving: grey, the ground showing through where it is light."""
    left, top, right, bottom = box.pixels(SCALE)
    grey = cv2.resize(_framed(photograph, box), (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    low, high = np.percentile(grey, (1, 99))
    tone = ((grey.astype(np.float32) - low) / max(high - low, 1)).clip(0, 1)
    ink = (1 - (0.08 + 0.92 * tone))[..., None] * 0.9 * strength
    area = picture[top:bottom, left:right]
    # The ground's waves are printed lighter where a portrait stands, so that they do not cut through the face.
    paper = area * _GROUND_BEHIND + 232 * (1 - _GROUND_BEHIND)
    area[:] = (paper * (1 - ink) + np.array([40, 38, 40]) * ink * 0.6).clip(0, 255).astype(np.uint8)


def _framed(photograph: RGBImage, box: Box) -> NDArray[np.uint8]:
    """Head and shoulders in the box's shape out of a photograph in LFW framing, grey."""
    side = photograph.shape[0]
    height = round(side * 0.70)
    width = min(side, round(height * box.width / box.height))
    top, left = round(side * 0.14), (side - width) // 2
    grey = cv2.cvtColor(photograph[top : top + height, left : left + width], cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.uint8)


def _diffraction(shape: tuple[int, ...], turn: float, phase: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage (h, w) and colour (h, w, 3) of concentric waves whose hue and depth move with the turn."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) / SCALE
    radius = np.hypot(x - shape[1] / SCALE / 2, (y - shape[0] / SCALE / 2) * 0.7)
    wave = 0.5 + 0.5 * np.cos(radius * 4.2 - _WAVE_PER_DEGREE * turn)
    hue = phase + 0.11 * radius + 0.04 * y + _HUE_PER_DEGREE * turn
    colour = 255 * (0.5 + 0.5 * np.cos(2 * np.pi * (hue[..., None] + np.array([0, 1 / 3, 2 / 3]))))
    return wave.astype(np.float32), colour.astype(np.float32)
