"""Measures the print that the second portrait uncovers when it moves.

A genuine card's second portrait lies in lenses above the print, so that the print's lines continue wherever the
portrait is not. Whoever computes several captures from one photograph has to move the portrait in it, and never saw
what it covered there. Inpainting leaves that strip paler than the print beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import Plane
from idproof.pipeline.card.template import boxes_over_print, read_template
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.types import Role

# Chosen by hand on tuning cards; no outside source.
_BESIDE_MM = 0.1  # strip beside the portrait that is left out, where it is not located to the pixel
_NARROWEST_MM = 0.25  # strip that is measured
_COLUMN_MM, _STEP_MM = 0.25, 0.08  # width of the columns that are averaged, and the distance between two
_INSET_MM = 0.5  # rows left out at the portrait's upper and lower edge
_PIECE_MM = 2.7  # height of the pieces of a column, each of which is compared with the print beside it
_NEAR_MM = (0.15, 1.5)  # distances from the region at which the print beside it is looked at
_FINE_MM, _COARSE_MM = 0.1, 0.3  # standard deviations of the blurs between which lines are finer than a face's parts
_LIGHT_MM = 0.75  # standard deviation of the blur that leaves light
_INK = 12  # grey levels from the template's paper, from which a pixel shows something printed on every card
_INK_AROUND_MM = 0.4
_LEAST_CLEAR = 0.5  # share of a piece's rows without such ink
_LEAST_CONTRAST = 0.006  # of print, as a share of the light; 69 tuning cards of four formations show 0.0126 or more
_HIDDEN = 0.5  # share of the usual contrast beside the region, below which glare or a finger hides a place
_LEAST_SEEN = 0.5  # share of a strip's places that must not be hidden


class _Strip(NamedTuple):
    """Print that one capture shows and another one covers; millimetres from the card's left edge."""

    left: float
    right: float
    on_left: bool


@dataclass(frozen=True)
class UncoveredPrint:
    """The surroundings of one type's second portrait.

    Attributes:
        region: the second portrait, with the place of its picture.
        card_mm: width of the card.
        px_per_mm: of the canonical frame.
        clear: (h, w) of the canonical frame: true where neither a field nor ink of every card stands.
    """

    region: Region
    card_mm: float
    px_per_mm: float
    clear: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def open(cls, document: DocumentType, region: Region) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read."""
        s, template = document.px_per_mm, read_template(document).astype(np.int16)
        ink = (np.abs(template - int(np.median(template))) > _INK).astype(np.uint8)
        side = 2 * round(_INK_AROUND_MM * s) + 1
        clear = np.asarray(cv2.dilate(ink, np.ones((side, side), np.uint8)) == 0, dtype=np.bool_)
        for box in boxes_over_print(document):
            if box != region.box:
                left, top, right, bottom = box.pixels(s)
                clear[top:bottom, left:right] = False
        return cls(region, document.width_mm, s, clear)

    def measure(self, rectified: Mapping[Role, RGBImage], offsets_mm: Mapping[Role, float]) -> float | str:
        """Returns the contrast of the uncovered print over that of the print beside the region, in the worst place.

        Args:
            rectified: the captures in the canonical frame.
            offsets_mm: distance of the second portrait's picture to the right of its place at a right angle.

        Returns:
            About 1 on a genuine card, 0 where the print is missing. Or the reason for which there is no value:
            `print_not_seen` if there is hardly any print beside the region, `card_overexposed` if glare or a finger
            hides a strip, `angles_not_distinct` if no capture uncovers enough.
        """
        lines = {role: self._lines(image) for role, image in rectified.items()}
        near = {(role, left): self._near(print_, left) for role, print_ in lines.items() for left in (True, False)}
        usual = float(np.median(np.stack(list(near.values()))))
        if usual < _LEAST_CONTRAST:
            return "print_not_seen"
        shares: list[float] = []
        for role, print_ in lines.items():
            for strip in self._strips(offsets_mm, role):
                beside = near[role, strip.on_left]
                seen = beside >= _HIDDEN * usual
                if seen.mean() < _LEAST_SEEN:
                    return "card_overexposed"
                places = self._contrasts(print_, strip.left, strip.right)[:, seen] / beside[seen]
                clear = ~np.isnan(places).all(axis=1)
                shares.extend(map(float, np.nanmedian(places[clear], axis=1)))
        return min(shares, default="angles_not_distinct")

    def _strips(self, offsets_mm: Mapping[Role, float], role: Role) -> list[_Strip]:
        """Strips, left and right, that a capture uncovers of the print that the portrait covers in another capture."""
        box, picture = self.region.box, self._picture
        own, others = offsets_mm[role], [offset for other, offset in offsets_mm.items() if other != role]
        first = max(picture.x + min(others), box.x)
        last = min(picture.x + picture.width + max(others), box.x + box.width)
        found = (
            _Strip(first + _BESIDE_MM, picture.x + own - _BESIDE_MM, on_left=True),
            _Strip(picture.x + picture.width + own + _BESIDE_MM, last - _BESIDE_MM, on_left=False),
        )
        return [strip for strip in found if strip.right - strip.left >= _NARROWEST_MM]

    def _near(self, lines: Plane, on_left: bool) -> NDArray[np.float64]:
        """(pieces,): the usual contrast of the print beside the region on one side; 0 where only ink is seen.

        Where the region ends at the card's edge, the other side stands for this one.
        """
        edges = self._beside(on_left)
        if edges[1] - edges[0] < _COLUMN_MM:
            edges = self._beside(not on_left)
        columns = self._contrasts(lines, *edges)
        seen = ~np.isnan(columns).all(axis=0)
        usual = np.zeros(columns.shape[1])
        usual[seen] = np.nanmedian(columns[:, seen], axis=0)
        return usual

    def _beside(self, on_left: bool) -> tuple[float, float]:
        """Edges of the print that is looked at on one side of the region; in the wrong order where there is none."""
        box, (least, most) = self.region.box, _NEAR_MM
        if on_left:
            return max(box.x - most, 0.0), box.x - least
        return box.x + box.width + least, min(box.x + box.width + most, self.card_mm)

    def _contrasts(self, lines: Plane, left: float, right: float) -> NDArray[np.float64]:
        """(columns, pieces) between two edges: root mean square of the print's lines, nan where ink stands."""
        s, (first, top, _, bottom) = self.px_per_mm, self._looked_at
        width, edge = max(1, round(_COLUMN_MM * s)), round(_INSET_MM * s)
        pieces = np.array_split(np.arange(edge, bottom - top - edge), max(1, round((bottom - top) / (_PIECE_MM * s))))
        start, end = round(left * s) - first, round(right * s) - first - width
        found = []
        for x in range(start, max(start, end) + 1, max(1, round(_STEP_MM * s))):
            column = lines[:, x : x + width].mean(axis=1)
            clear = np.asarray(self.clear[top:bottom, first + x : first + x + width].all(axis=1))
            found.append([_root_mean_square(column[rows], clear[rows]) for rows in pieces])
        return np.array(found)

    def _lines(self, image: RGBImage) -> Plane:
        """(h, w, 3): detail along the card's height, over the light there, of the part that is looked at."""
        s, (left, top, right, bottom) = self.px_per_mm, self._looked_at
        part = image[top:bottom, left:right].astype(np.float32)
        fine, coarse = (cv2.GaussianBlur(part, (1, 0), 0, sigmaY=mm * s) for mm in (_FINE_MM, _COARSE_MM))
        light = cv2.GaussianBlur(part, (0, 0), _LIGHT_MM * s) + 1
        return np.asarray((fine - coarse) / light, dtype=np.float32)

    @property
    def _picture(self) -> Box:
        if self.region.picture is None:
            raise ValueError("the region does not say where its picture is")
        return self.region.picture

    @property
    def _looked_at(self) -> tuple[int, int, int, int]:
        """The picture's rows, over the region and what lies beside it: left, top, right and bottom pixel."""
        box, picture, most = self.region.box, self._picture, _NEAR_MM[1]
        left, right = max(box.x - most, 0.0), min(box.x + box.width + most, self.card_mm)
        return Box(left, picture.y, right - left, picture.height).pixels(self.px_per_mm)


def _root_mean_square(values: NDArray[np.float32], clear: NDArray[np.bool_]) -> float:
    if clear.mean() < _LEAST_CLEAR:
        return float("nan")
    return float(np.sqrt((values[clear] ** 2).mean()))
