"""Tells why no card is found although one is held up.

It lies partly outside the picture, is upside down or turned sideways, or shows its other side.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.locating.quadrangles import quadrangles
from idproof.pipeline.card.locating.tracker import CardTracker
from idproof.pipeline.card.view import CardView, corners
from idproof.pipeline.guidance.hints import Hint

# Chosen by hand on rendered tuning films; no outside source.
_SIDEWAYS = {2: Hint.TURN_UPRIGHT, 1: Hint.TURN_SIDEWAYS, 3: Hint.TURN_SIDEWAYS}
"""Quarter turns of the picture after which an upright card is found, to the hint."""
_KEPT = 10  # pictures for which a hint holds after the card was last seen so
_LEAST_AREA = 0.12  # share of the picture that a card's other side fills at least
_PROPORTIONS = (1.40, 1.80)  # width over height of ID-1 is 1.586 (ISO/IEC 7810); a little turned
_SAME_PLACE = 0.05  # of the picture's width, by which a corner may move from one look to the next
_LOOKS = 3  # in a row that show the same card-shaped outline without any known print


_TURNED_DEG = 45.0  # of the upper edge against the picture's, from which on a card lies sideways
_FILLS = 0.85  # width of a card that lies partly outside, as a share of the picture's, from which on it is too near


@dataclass(frozen=True)
class CardSearch:
    """The two ways of finding a card that a misplaced one is looked for with."""

    tracker: CardTracker
    locator: CardLocator


@dataclass
class MisplacedCard:
    """Looks for a card in one other way per picture, so that no picture costs much more than another.

    Attributes:
        looks: pictures that were looked at.
        place: of a card that is whole and upright after all, roughly; None in most pictures.
        hint: the last that was found.
        hint_at: number of the look that found it.
        outline: (4, 2) of a card-shaped outline, as shares of the picture's width.
        seen: looks in a row that found this outline.
    """

    looks: int = 0
    place: CardView | None = None
    hint: Hint | None = None
    hint_at: int = 0
    outline: NDArray[np.float64] | None = None
    seen: int = 0

    def look(self, image: RGBImage, search: CardSearch) -> Hint | None:
        """Look at a picture in which no upright card was found; return the hint that holds now, or None."""
        way, self.place = self.looks % (len(_SIDEWAYS) + 2), None
        self.looks += 1
        if way == 0:
            self._look_for_features(image, search.locator)
        elif way <= len(_SIDEWAYS):
            turns = list(_SIDEWAYS)[way - 1]
            if search.tracker.find(np.ascontiguousarray(np.rot90(image, turns))) is not None:
                self._say(_SIDEWAYS[turns])
        else:
            self._look_for_outline(image)
        if self.hint is not None and self.looks - self.hint_at <= _KEPT:
            return self.hint
        return Hint.OTHER_SIDE if self.seen >= _LOOKS else None

    def _say(self, hint: Hint) -> None:
        self.hint, self.hint_at, self.seen = hint, self.looks, 0

    def _look_for_features(self, image: RGBImage, locator: CardLocator) -> None:
        """Look for the card's print wherever it lies, also beyond the picture's edge."""
        found = locator.find_roughly(image)
        if found is None:
            return
        outline, size = corners(found, locator.document), np.array(found.size)
        across = outline[1] - outline[0]  # along the card's upper edge
        turned = abs(float(np.rad2deg(np.arctan2(across[1], across[0]))))
        if turned > _TURNED_DEG:
            self._say(Hint.TURN_UPRIGHT if turned > 180 - _TURNED_DEG else Hint.TURN_SIDEWAYS)
        elif (outline >= 0).all() and (outline < size).all():
            self.place = found
        else:
            fills = float(np.ptp(outline[:, 0])) / found.size[0] > _FILLS
            self._say(Hint.MOVE_BACK if fills else Hint.CARD_INSIDE)

    def _look_for_outline(self, image: RGBImage) -> None:
        found = next(quadrangles(image, 1), None)
        outline = None if found is None or not _is_like_a_card(found, image) else found / image.shape[1]
        before, self.outline = self.outline, outline
        stays = outline is not None and before is not None and np.abs(outline - before).max() < _SAME_PLACE
        self.seen = self.seen + 1 if stays else int(outline is not None)


def _is_like_a_card(outline: NDArray[np.float64], image: RGBImage) -> bool:
    sides = np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1)
    proportions = (sides[0] + sides[2]) / max(sides[1] + sides[3], 1e-6)
    area = cv2.contourArea(outline.astype(np.float32)) / (image.shape[0] * image.shape[1])
    return bool(_PROPORTIONS[0] < proportions < _PROPORTIONS[1] and area > _LEAST_AREA)
