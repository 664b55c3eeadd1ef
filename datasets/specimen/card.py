"""One person's card: its print and its material.

The hologram is a foil of gratings, the second portrait slides behind lenses as the angle of view changes, the
laminate is glossy; `material` says how light meets them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.lettering import AS_ISSUED, Lettering
from idproof.datasets.specimen.material import Coat, Foil, Grating, Material, card_outline
from idproof.datasets.specimen.prints import print_of
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box, DocumentType, Region

_GROUND_BEHIND = 0.18  # share of the ground that shows behind a portrait


@dataclass(frozen=True)
class Make:
    """Properties of one copy of a card from production and wear.

    The ranges that `draw` draws from were chosen by hand; no outside source.

    Attributes:
        foil_strength: brightness of the hologram.
        foil_spread: waviness of its foil, radians.
        gloss: reflectance of the laminate at the mirror angle, see `Coat`.
        roughness: of the laminate, radians.
    """

    foil_strength: float = 1.6
    foil_spread: float = 0.14
    gloss: float = 0.05
    roughness: float = 0.07

    @classmethod
    def draw(cls, draws: Draws) -> "Make":
        """Draws the properties of one copy."""
        return cls(
            foil_strength=draws.uniform(1.1, 2.2),
            foil_spread=draws.uniform(0.10, 0.18),
            gloss=draws.uniform(0.03, 0.08),
            roughness=draws.uniform(0.05, 0.11),
        )


@dataclass(frozen=True)
class Card:
    """A specimen card.

    Attributes:
        document: its type.
        artwork_seed: of the background.
        fields: field name to printed text.
        portrait: the holder's photograph in LFW framing.
        make: properties of this copy.
        second_portrait: the photograph in the second portrait, or None for `portrait`, as on every genuine card.
        edited: which field was changed afterwards (`field`), how (`kind`, `by`, `print`) and what it `was`, or None.
        lettering: field name to letters that differ from the type's.
    """

    document: DocumentType
    artwork_seed: int
    fields: Mapping[str, str] = field(repr=False)
    portrait: RGBImage = field(repr=False)
    make: Make = Make()
    second_portrait: RGBImage | None = field(default=None, repr=False)
    edited: Mapping[str, str] | None = None
    lettering: Mapping[str, Lettering] = field(default_factory=dict)

    def material(self, view: View) -> Material:
        """The card as it lies in a view."""
        return Material(
            albedo=self.printed(view),
            outline=card_outline(self.document),
            foils=tuple(self.foil(region) for region in self.document.regions if region.kind == "diffractive"),
            coats=(Coat(self.make.gloss, self.make.roughness),),
        )

    def printed(self, view: View | None) -> RGBImage:
        """(height, width, 3) at `SCALE`: everything but the hologram; the second portrait as the view shows it.

        Without a view it is seen at a right angle.
        """
        picture = self._static()
        self._ghost(picture, view)
        self._window(picture)
        return picture

    def foil(self, region: Region) -> Foil:
        """The hologram in one of the type's diffractive regions."""
        pattern = print_of(self.document).holograms[region.name]
        return Foil(
            box=region.box,
            zones=artwork.hologram(self.document, region, SCALE),
            gratings=tuple(Grating(*grating) for grating in pattern.gratings),
            strength=self.make.foil_strength,
            opacity=0.35,
            spread=self.make.foil_spread,
        )

    def with_fields(self, **changed: str) -> "Card":
        """The same card with other printed fields."""
        return replace(self, fields={**self.fields, **changed})

    def _static(self) -> RGBImage:
        drawn, wanted = artwork.draw(self.document, self.artwork_seed), print_of(self.document)
        ground = drawn.background.copy()
        engrave(ground, self.document.portrait, self.portrait, strength=1.0)
        layer = Image.fromarray(artwork.composite(ground, drawn.ink))
        pen = ImageDraw.Draw(layer)
        for spec in self.document.fields:
            letters = self.lettering.get(spec.name, AS_ISSUED)
            letters.write(pen, self.fields[spec.name], spec.box, wanted.of(spec.name))
        return np.array(layer)

    def _ghost(self, picture: RGBImage, view: View | None) -> None:
        """The second portrait: two views side by side behind lenses; turning slides it and swaps its strength."""
        for region in self.document.regions:
            if region.kind != "second_portrait" or region.picture is None:
                continue
            place = region.picture
            turn = 0.0 if view is None else view.turn_at(place.x + place.width / 2, place.y + place.height / 2)
            turn = float(np.clip(turn, -40, 40))  # beyond, the lenses show their neighbours' strips
            moved = replace(place, x=place.x + region.slide_mm_per_deg * turn)
            shown = self.portrait if self.second_portrait is None else self.second_portrait
            strength = float(0.62 + 0.15 * np.sin(np.radians(turn * 3)))
            engrave(picture, moved, shown, strength, within=region.box)

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


def engrave(picture: RGBImage, box: Box, photograph: RGBImage, strength: float, within: Box | None = None) -> None:
    """A photograph as laser engraving: grey, the ground showing through where it is light; cut off at `within`."""
    left, top, right, bottom = box.pixels(SCALE)
    grey = cv2.resize(_framed(photograph, box), (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    if within is not None:
        first, _, last, _ = within.pixels(SCALE)
        grey = grey[:, max(0, first - left) : grey.shape[1] - max(0, right - last)]
        left, right = max(left, first), min(right, last)
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
