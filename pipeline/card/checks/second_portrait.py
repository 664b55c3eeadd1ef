"""Checks that the second portrait moves with the angle over its print, and that it shows the person of the main one.

The second portrait is the main photograph again, smaller, behind lenses: when the card is turned, it moves by a known
distance per degree. The main portrait itself is the pattern by which it is found in each capture, so one search
serves all checks. A flat copy stays where it was; a replaced main portrait is not found; and a portrait that a
program moved lacks the card's print where it had been (`uncovered_print`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Grey, Plane, band_pass
from idproof.pipeline.card.turns import turns_deg
from idproof.pipeline.card.uncovered_print import UncoveredPrint
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role

SECOND_PORTRAIT_SAME = Quantity(
    "second_portrait_same",
    "correlation",
    "second_portrait_differs",
    Limit.AT_LEAST,
    lost_in_darkness=True,
    forged=0.7,
    speaks_to=(Hypothesis.PORTRAIT,),
)
SECOND_PORTRAIT_MOVES = Quantity(
    "second_portrait_moves",
    "share of the slide expected",
    "second_portrait_static",
    Limit.WITHIN,
    optically_variable=True,
    lost_in_darkness=True,
    forged=0.0,
    speaks_to=(Hypothesis.COPY, Hypothesis.DISPLAY, Hypothesis.ONE_PICTURE),
)
SECOND_PORTRAIT_UNCOVERS = Quantity(
    "second_portrait_uncovers",
    "share of the contrast beside it",
    "print_missing_behind_second_portrait",
    Limit.AT_LEAST,
    lost_in_darkness=True,
    forged=0.45,
    speaks_to=(Hypothesis.ONE_PICTURE,),
)

# Chosen by hand on tuning cards; no outside source.
_REACH_MM = 2.2  # distance searched to each side
_DRIFT_MM = 0.4  # distance searched up and down, where only errors of registration remain
_CENTRE = 0.62  # share of the picture's sides that the pattern covers
_SCALES = (0.97, 1.0, 1.03)
_HIDDEN = 0.25  # correlation by which a capture falls short of the best one when glare hides a portrait in it
_ALIKE = 0.6
"""Correlation of two captures' main portraits from which they show one person. 21 genuine rendered tuning cards of
three formations gave 0.989 or more, and with another person's photograph over the portrait of one capture 0.42 or less.
Chosen by hand between the two."""
_FINE_MM, _TONE_MM = 0.14, 2.2  # standard deviations of the blurs between which the portraits are compared


class _Place(NamedTuple):
    """The main portrait as found in the second one.

    Attributes:
        offset_mm: distance to the right of the picture's place at a right angle.
        correlation: -1..1.
    """

    offset_mm: float
    correlation: float


@dataclass(frozen=True)
class SecondPortrait(Check):
    """`second_portrait_same` and, of a portrait that moves, `second_portrait_moves` and `second_portrait_uncovers`.

    The first value is the correlation of the two portraits in the capture where they agree best, -1..1; it fails with
    `second_portrait_differs`. The second is the distance moved over the distance expected, 1 on a genuine card; it
    fails with `second_portrait_static`. The second could not be assessed when the portraits do not agree
    (`second_portrait_differs`), the captures are turned too little (`angles_not_distinct`), or glare hides the
    second portrait in one of them (`card_overexposed`): two captures alone would be easier to agree with than three.
    The third is the contrast of the print that the moving portrait uncovers, over that of the print beside it, in the
    place where it is least: about 1 on a genuine card. It fails with `print_missing_behind_second_portrait`, and could
    not be assessed where the second could not, where glare or a finger hides such a place (`card_overexposed`), or
    where there is hardly any print beside it (`print_not_seen`). A single capture gives the first value only.

    Attributes:
        region: the second portrait, with the place of its picture.
        surroundings: the print around it; None for a portrait that does not move.
    """

    region: Region
    surroundings: UncoveredPrint | None

    reports = (SECOND_PORTRAIT_SAME, SECOND_PORTRAIT_MOVES, SECOND_PORTRAIT_UNCOVERS)
    single_capture = True

    @classmethod
    def applies(cls, document: DocumentType) -> bool:
        """Returns true for a type with a second portrait."""
        return second_portrait_region(document) is not None

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares the check; raises `DocumentTypeInvalid` when the type has no second portrait."""
        region = second_portrait_region(document)
        if region is None:
            raise DocumentTypeInvalid(f"{document.name} has no second portrait.")
        moves = region.slide_mm_per_deg != 0
        return cls(document, region, UncoveredPrint.open(document, region) if moves else None)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All, or the first alone for a portrait that does not move."""
        return self.reports if self.surroundings else (SECOND_PORTRAIT_SAME,)

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Finds the second portrait in every capture."""
        places = self._places(card.rectified)
        # Glare and blur lower the agreement of a capture, and nothing raises that of two people.
        correlation = max(place.correlation for place in places.values())
        same = SECOND_PORTRAIT_SAME.judge(correlation, policy.calibration)
        if card.single or self.surroundings is None:
            return [same]
        turns, reason = turns_deg(card.views), None
        if same.outcome is not Outcome.PASS:
            reason = "second_portrait_differs"
        elif min(place.correlation for place in places.values()) < correlation - _HIDDEN:
            reason = "card_overexposed"
        elif max(turns.values()) - min(turns.values()) < 2 * policy.min_turn_deg:
            reason = "angles_not_distinct"
        if reason is not None:
            return [same, *(quantity.not_assessed(reason) for quantity in self.reports[1:])]
        moves = self._movement(places, turns, policy)
        return [same, moves, self._uncovered(self.surroundings, card, places, policy)]

    def _places(self, rectified: Mapping[Role, RGBImage]) -> dict[Role, _Place]:
        """Finds it by each capture's own main portrait; where glare hides part of that, by the one that agrees best."""
        places = {role: locate(image, self.region, self.document) for role, image in rectified.items()}
        clearest = max(places, key=lambda role: places[role].correlation)
        for role, place in places.items():
            if place.correlation >= places[clearest].correlation - _HIDDEN:
                continue
            # Another person's portrait is not hidden: to pass it over would let it be exchanged in one capture.
            if _portraits_agree(rectified[role], rectified[clearest], self.document):
                again = locate(rectified[role], self.region, self.document, portrait=rectified[clearest])
                places[role] = max(place, again, key=lambda found: found.correlation)
        return places

    def _movement(self, places: Mapping[Role, _Place], turns: Mapping[Role, float], policy: Policy) -> CheckResult:
        """Slope of offset over turn, by least squares, as a share of the type's."""
        turn = np.array([turns[role] for role in places])
        offset = np.array([place.offset_mm for place in places.values()])
        turn, offset = turn - turn.mean(), offset - offset.mean()
        share = float((turn @ offset) / (turn @ turn)) / self.region.slide_mm_per_deg
        return SECOND_PORTRAIT_MOVES.judge(share, policy.calibration)

    @staticmethod
    def _uncovered(
        surroundings: UncoveredPrint, card: CardCaptures, places: Mapping[Role, _Place], policy: Policy
    ) -> CheckResult:
        found = surroundings.measure(card.rectified, {role: place.offset_mm for role, place in places.items()})
        if isinstance(found, str):
            return SECOND_PORTRAIT_UNCOVERS.not_assessed(found)
        return SECOND_PORTRAIT_UNCOVERS.judge(found, policy.calibration)


def second_portrait_region(document: DocumentType) -> Region | None:
    """The type's second portrait with the place of its picture, or its plain `ghost`, which fills its box.

    None when the type has neither.
    """
    for region in document.regions:
        if region.kind == "second_portrait" and region.picture is not None:
            return region
    if document.ghost is None:
        return None
    return Region("ghost", document.ghost, "second_portrait", picture=document.ghost)


def locate(image: RGBImage, region: Region, document: DocumentType, *, portrait: RGBImage | None = None) -> _Place:
    """Finds the main portrait in the second one, in a rectified capture.

    Args:
        image: (h, w, 3), the rectified capture.
        region: the second portrait.
        document: the type.
        portrait: rectified capture that shows the main portrait; the same one by default.
    """
    if region.picture is None:
        raise ValueError("the region does not say where its picture is")
    s = document.px_per_mm
    scene = _portrait_detail(_cut(image, region.box, s), s)
    best = _Place(0.0, -1.0)
    for scale in _SCALES:
        pattern = _portrait_detail(
            _pattern(portrait if portrait is not None else image, document.portrait, region.picture, scale, s), s
        )
        h, w = pattern.shape
        dx = round(_REACH_MM * s)
        dy = round(_DRIFT_MM * s)
        middle_x = (region.picture.x - region.box.x + region.picture.width / 2) * s
        middle_y = (region.picture.y - region.box.y + region.picture.height / 2) * s
        left, top = round(middle_x - w / 2) - dx, round(middle_y - h / 2) - dy
        window = scene[max(0, top) : top + h + 2 * dy, max(0, left) : left + w + 2 * dx]
        if window.shape[0] < h or window.shape[1] < w:
            continue
        scores = cv2.matchTemplate(window, pattern, cv2.TM_CCOEFF_NORMED)
        _, score, _, (column, _) = cv2.minMaxLoc(scores)
        if score > best.correlation:
            at = max(0, left) + _peak(scores, column) + w / 2
            best = _Place((at - middle_x) / s, float(score))
    return best


def _portraits_agree(one: RGBImage, other: RGBImage, document: DocumentType) -> bool:
    s = document.px_per_mm
    details = [_portrait_detail(_cut(image, document.portrait, s), s) for image in (one, other)]
    return float(np.corrcoef(details[0].ravel(), details[1].ravel())[0, 1]) >= _ALIKE


def _cut(image: RGBImage, box: Box, px_per_mm: float) -> Grey:
    left, top, right, bottom = box.pixels(px_per_mm)
    return np.asarray(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _pattern(image: RGBImage, portrait: Box, picture: Box, scale: float, px_per_mm: float) -> Grey:
    """The middle of the main portrait at the second one's size: both show the same height of the photograph."""
    grey = _cut(image, portrait, px_per_mm)
    ratio = scale * picture.height / portrait.height
    small = cv2.resize(grey, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    h, w = round(picture.height * _CENTRE * px_per_mm), round(picture.width * _CENTRE * px_per_mm)
    top, left = (small.shape[0] - h) // 2, (small.shape[1] - w) // 2
    return np.asarray(small[top : top + h, left : left + w], dtype=np.uint8)


def _portrait_detail(grey: Grey, px_per_mm: float) -> Plane:
    """Without fine print and noise, and without light and tone that vary slowly."""
    return band_pass(grey, _FINE_MM * px_per_mm, _TONE_MM * px_per_mm)


def _peak(scores: NDArray[np.float32], column: int) -> float:
    """The best column to a fraction, by a parabola through its neighbours."""
    row = scores.max(axis=0)
    if not 0 < column < len(row) - 1:
        return float(column)
    before, here, after = (float(row[column + i]) for i in (-1, 0, 1))
    curve = before - 2 * here + after
    return column + (0.5 * (before - after) / curve if curve < 0 else 0.0)
