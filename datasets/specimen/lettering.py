"""Letters of one field: as the type prescribes, or as a forger prints them."""

from dataclasses import dataclass, replace
from enum import StrEnum

from PIL import ImageDraw, ImageFont

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.prints import FieldPrint
from idproof.pipeline.documents import Box

MARGIN_MM = 0.5
"""Before and after a field's text."""

_AS_ISSUED = 1 / 3  # share of forgers with the issuer's letters and ink. Chosen by hand.


class Face(StrEnum):
    """A typeface that needs no system font."""

    SANS = "sans"  # Noto Sans TC
    SERIF = "serif"  # Noto Serif TC
    PLAIN = "plain"  # Aileron, which comes with Pillow; Latin alone


class Departure(StrEnum):
    """The property of a reprinted field that differs from the issuer's."""

    NONE = "as_issued"
    FACE = "face"
    WEIGHT = "weight"
    SIZE = "size"
    INK = "ink"


@dataclass(frozen=True)
class Lettering:
    """The letters of one field.

    Attributes:
        face: another typeface than the type's, or None for that one.
        weight_mm: added thickness of every stroke, on each side.
        size: height over the type's.
        ink: R, G, B.
    """

    face: Face | None = None
    weight_mm: float = 0.0
    size: float = 1.0
    ink: tuple[int, int, int] = (28, 28, 34)

    def write(self, pen: ImageDraw.ImageDraw, text: str, box: Box, wanted: FieldPrint) -> None:
        """Writes the text into its box at `SCALE`, smaller where it would leave the box."""
        room = (box.width - 2 * MARGIN_MM) * SCALE
        height = wanted.height_mm * self.size
        letters = self._letters(wanted, text, height)
        if (length := letters.getlength(text)) > room:
            letters = self._letters(wanted, text, height * room / length * 0.995)
        place = ((box.x + MARGIN_MM) * SCALE, (box.y + box.height / 2) * SCALE)
        pen.text(place, text, font=letters, fill=self.ink, anchor="lm", stroke_width=self.weight_mm * SCALE)

    def _letters(self, wanted: FieldPrint, text: str, height_mm: float) -> ImageFont.FreeTypeFont:
        issued = Face.SERIF if wanted.serif else Face.SANS
        face = self.face or issued
        if face is Face.PLAIN and not text.isascii():
            face = Face.SANS if issued is Face.SERIF else Face.SERIF  # no Chinese in it: another that has
        return artwork.plain_font(height_mm) if face is Face.PLAIN else artwork.font(face is Face.SERIF, height_mm)


AS_ISSUED = Lettering()


def another_hand(issued: FieldPrint, draws: Draws) -> tuple[Departure, Lettering]:
    """Draws a forger's print: the issuer's letters and ink in a third of the cases, else one property differs."""
    part = draws.uniform(0, 1)
    if draws.rng.uniform() < _AS_ISSUED:
        return Departure.NONE, AS_ISSUED
    chosen = list(Departure)[1 + int(draws.rng.integers(4))]
    first = bool(draws.rng.uniform() < 0.5)
    if chosen is Departure.FACE:
        other = Face.SANS if issued.serif else Face.SERIF
        return chosen, replace(AS_ISSUED, face=other if first else Face.PLAIN)
    if chosen is Departure.WEIGHT:
        return chosen, replace(AS_ISSUED, weight_mm=_between(0.015, 0.05, part))
    if chosen is Departure.SIZE:
        change = _between(0.06, 0.15, part)
        return chosen, replace(AS_ISSUED, size=1 + change if first else 1 - change)
    return chosen, replace(AS_ISSUED, ink=_other_black(part, int(draws.rng.integers(3))))


def _other_black(part: float, hue: int) -> tuple[int, int, int]:
    """Returns a bluish, brownish or paler black."""
    furthest = ((40, 52, 112), (92, 66, 40), (92, 92, 98))[hue]
    share = 0.4 + 0.6 * part
    red, green, blue = (round(_between(ink, far, share)) for ink, far in zip(AS_ISSUED.ink, furthest, strict=True))
    return red, green, blue


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part
