"""Checks that the three captures show one and the same card.

Rectified captures of one card agree in the print, above all in the person's portrait and fields, in any light. Only
the optically variable regions may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane, band_pass
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult

SAME_CARD = Quantity(
    "same_card",
    "correlation",
    "cards_differ",
    Limit.AT_LEAST,
    lost_in_darkness=True,
    # Two people's cards: 24 pairs of three formations' tuning cards gave -0.19 to 0.50, 27 genuine cards 0.70 or more.
    forged=0.55,
    speaks_to=(Hypothesis.DOCUMENT,),
)

# Chosen by hand on tuning cards; no outside source.
_LIGHT_MM = 3.0  # anything smoother is light, not print
_FEATURES_MM = 1.2  # of a portrait: heads are alike in anything smoother, see `_portrait`
_FINE_MM = 0.15  # anything finer is noise and blur
_REDUCTION = 6  # light varies so slowly that a picture this many times smaller holds all of it
_FEW = 4  # pixels from one that is counted to the next
_WINDOW_MM = 1.5  # around a place, in which its contrast is measured
_BLOWN = 0.4  # share of the strongest capture's contrast below which a place does not show its print
_VEILED = 0.7  # the same share where a capture is brighter than another: glare adds light, and changed ink does not
_BRIGHTER, _DAZZLING = 1.1, 1.5  # of the least light of any capture, each by its own median; the second hides all print
_WHITE = 252  # grey level of all colours from which on a pixel is clipped
LEAST_SEEN = 0.5  # share of a box that both captures must show, and of a capture's boxes that must be compared


@dataclass(frozen=True)
class SameCard(Check):
    """`same_card`: correlation, -1..1, of the box that agrees least between any two captures that show it.

    The boxes are the portrait, compared in the features of the face alone, and each required field. Places whose print
    glare hides in one of the captures are left out. Fails with `cards_differ`; could not be assessed, with
    `card_overexposed`, when a box can be compared in no two captures, a capture in less than half of its boxes, or a
    capture's portrait in none: a brighter photograph of another person passes for glare, and the face is compared in
    all captures.
    """

    reports = (SAME_CARD,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Correlates the print of every two captures, box by box."""
        document = self.document
        parts = [_print_and_light(image, document.px_per_mm) for image in card.rectified.values()]
        window = round(_WINDOW_MM * document.px_per_mm)
        prints, seen = _levelled([lines for lines, _ in parts], _above_least([light for _, light in parts]), window)
        portraits = [self._portrait(image) for image in card.rectified.values()]
        whites = [clipped(image, document.px_per_mm) for image in card.rectified.values()]
        seen = [place & ~white for place, white in zip(seen, whites, strict=True)]
        boxes = [document.portrait, *(spec.box for spec in document.fields if spec.required)]
        pairs = list(combinations(range(len(prints)), 2))
        agreement = np.full((len(pairs), len(boxes)), np.nan)
        for i, (one, other) in enumerate(pairs):
            for j, box in enumerate(boxes):
                left, top, right, bottom = box.pixels(document.px_per_mm)
                where = slice(top, bottom), slice(left, right)
                both = seen[one][where] & seen[other][where]
                if both.mean() >= LEAST_SEEN:
                    pair = (portraits[k] if box == document.portrait else prints[k][where] for k in (one, other))
                    agreement[i, j] = _correlation(*(plane[both] for plane in pair))
        compared = np.isfinite(agreement)
        of_capture = np.stack([compared[[k in pair for pair in pairs]].any(axis=0) for k in range(len(prints))])
        portraits_seen = of_capture[:, 0].all()
        if not portraits_seen or not compared.any(axis=0).all() or of_capture.mean(axis=1).min() < LEAST_SEEN:
            return [SAME_CARD.not_assessed("card_overexposed")]
        return [SAME_CARD.judge(float(np.nanmin(agreement)), policy.calibration)]

    def _portrait(self, image: RGBImage) -> Plane:
        """(h, w): features of the face in a rectified capture, not of one contrast.

        Print of one contrast is alike in two people's portraits up to 0.76: what is behind the heads and their outlines
        count as much as eyes and mouths. So compared, 1,768 pairs of tuning people reached 0.39, and 63 pairs of
        captures of one card 0.98 or more.
        """
        s = self.document.px_per_mm
        left, top, right, bottom = self.document.portrait.pixels(s)
        grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
        return band_pass(np.asarray(grey, dtype=np.uint8), _FINE_MM * s, _FEATURES_MM * s)


def _print_and_light(image: RGBImage, px_per_mm: float) -> tuple[Plane, Plane]:
    """(h, w) each: the print alone, and the light and ground alone, in grey levels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _FINE_MM * px_per_mm)
    small = cv2.resize(grey, None, fx=1 / _REDUCTION, fy=1 / _REDUCTION, interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), _LIGHT_MM * px_per_mm / _REDUCTION)
    light = np.asarray(cv2.resize(light, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    return fine - light, light


def _above_least(lights: Sequence[Plane]) -> list[Plane]:
    """(h, w) of each capture: its light over the least of all captures, at least 1."""
    level = [light / _usual(light) for light in lights]
    least = np.maximum(np.minimum.reduce(level), 1e-6)
    return [np.asarray(own / least, dtype=np.float32) for own in level]


def _levelled(
    prints: Sequence[Plane], above_least: Sequence[Plane], window_px: int
) -> tuple[list[Plane], list[NDArray[np.bool_]]]:
    """Prints of one contrast everywhere, and (h, w) of each: true where it is about as strong as in the best capture.

    Glare, tone and exposure weaken the print of places or of all; each capture is measured by its own median.
    """
    contrast = [np.sqrt(np.maximum(cv2.sqrBoxFilter(plane, -1, (window_px, window_px)), 0)) for plane in prints]
    usual = [_usual(plane) for plane in contrast]
    strongest = np.maximum.reduce([plane / own for plane, own in zip(contrast, usual, strict=True)])
    seen = [
        np.asarray((plane >= np.where(light > _BRIGHTER, _VEILED, _BLOWN) * own * strongest) & (light <= _DAZZLING))
        for plane, light, own in zip(contrast, above_least, usual, strict=True)
    ]
    # Flat places keep their noise small: a part of the usual contrast is added to theirs.
    levelled = [
        np.asarray(plane / (around + own), dtype=np.float32)
        for plane, around, own in zip(prints, contrast, usual, strict=True)
    ]
    return levelled, seen


def _usual(plane: Plane) -> float:
    """The median, of every few pixels, since both contrast and light are smooth; positive."""
    return max(float(np.median(plane[::_FEW, ::_FEW])), 1e-6)


def clipped(rectified: RGBImage, px_per_mm: float) -> NDArray[np.bool_]:
    """(h, w): true at and beside pixels of a capture put straight that are white, where no print can be compared."""
    window_px = round(_WINDOW_MM * px_per_mm)
    white = np.minimum.reduce(cv2.split(rectified)) >= _WHITE
    return np.asarray(cv2.dilate(white.astype(np.uint8), np.ones((window_px, window_px), np.uint8)) > 0)


def _correlation(one: Plane, other: Plane) -> float:
    one, other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / spread if spread > 0 else 0.0
