"""Does the second portrait slide with the angle, and does it show the person of the main one?

The second portrait is the main photograph again, smaller, behind lenses: turned, it moves by a known way for each
degree. Where it is in each capture is found with the main portrait itself as the pattern, so one search answers both
questions. A flat copy stays where it was; a replaced main portrait is not found.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.types import CheckResult, Outcome, Role

MOVES, SAME_FACE = "second_portrait_moves", "second_portrait_same"

_REACH_MM = 2.2  # how far it is searched to each side
_DRIFT_MM = 0.4  # up and down: only registration is left to find there
_CENTRE = 0.62  # share of the picture's sides that the pattern covers
_SCALES = (0.97, 1.0, 1.03)

_Grey = NDArray[np.float32]


def region_of(document: DocumentType) -> Region | None:
    """The type's second portrait that says where its picture is; a plain `ghost`, which fills its box, otherwise.

    None when the type has neither.
    """
    for region in document.regions:
        if region.kind == "second_portrait" and region.picture is not None:
            return region
    if document.ghost is None:
        return None
    return Region("ghost", document.ghost, "second_portrait", picture=document.ghost)


def check(
    rectified: Mapping[Role, RGBImage],
    turns_deg: Mapping[Role, float],
    region: Region,
    document: DocumentType,
    policy: Policy,
) -> list[CheckResult]:
    """`second_portrait_moves` and `second_portrait_same`.

    Args:
        rectified: the card in its canonical frame.
        turns_deg: how far it is turned in each capture (`angles.turns_deg`).
        region: the second portrait.
        document: the type.
        policy: limits.

    Returns:
        The first's value is the slide measured over the slide expected, 1 on a genuine card; it fails with
        `second_portrait_static`, and could not be assessed when the portraits do not agree or the captures are turned
        too little; a second portrait that does not slide has no such result. The second's value is the best
        correlation of the two portraits, -1..1; it fails with
        `second_portrait_differs`.
    """
    found = {role: locate(image, region, document) for role, image in rectified.items()}
    likeness = same_face([score for _, score in found.values()], policy)
    if region.slide_mm_per_deg == 0:
        return [likeness]
    if likeness.outcome is not Outcome.PASS:
        return [likeness, CheckResult.not_assessed(MOVES, "second_portrait_differs")]
    return [likeness, _moves({role: x for role, (x, _) in found.items()}, turns_deg, region, policy)]


def same_face(correlations: Sequence[float], policy: Policy) -> CheckResult:
    """`second_portrait_same` from the best correlation in each capture, one or more."""
    likeness = float(np.median(correlations))
    return policy.calibration.at_least(SAME_FACE, likeness, unit="correlation", reason="second_portrait_differs")


def locate(image: RGBImage, region: Region, document: DocumentType) -> tuple[float, float]:
    """(millimetres to the right of the picture's place, correlation) of the main portrait in the second one."""
    if region.picture is None:
        raise ValueError("the region does not say where its picture is")
    s = document.px_per_mm
    scene = _relief(_cut(image, region.box, s), s)
    best = (0.0, -1.0)
    for scale in _SCALES:
        pattern = _relief(_pattern(image, document.portrait, region.picture, scale, s), s)
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
        if score > best[1]:
            at = max(0, left) + _peak(scores, column) + w / 2
            best = ((at - middle_x) / s, float(score))
    return best


def _moves(
    places: Mapping[Role, float], turns_deg: Mapping[Role, float], region: Region, policy: Policy
) -> CheckResult:
    """Slope of place over turn, by least squares, as a share of what the type says."""
    turn = np.array([turns_deg[role] for role in places])
    place = np.array(list(places.values()))
    if np.ptp(turn) < 2 * policy.min_turn_deg:
        return CheckResult.not_assessed(MOVES, "angles_not_distinct")
    turn, place = turn - turn.mean(), place - place.mean()
    share = float((turn @ place) / (turn @ turn)) / region.slide_mm_per_deg
    return policy.calibration.within(MOVES, share, unit="share of the slide expected", reason="second_portrait_static")


def _cut(image: RGBImage, box: Box, px_per_mm: float) -> NDArray[np.uint8]:
    left, top, right, bottom = box.pixels(px_per_mm)
    return np.asarray(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _pattern(image: RGBImage, portrait: Box, picture: Box, scale: float, px_per_mm: float) -> NDArray[np.uint8]:
    """The middle of the main portrait at the second one's size: both show the same height of the photograph."""
    grey = _cut(image, portrait, px_per_mm)
    ratio = scale * picture.height / portrait.height
    small = cv2.resize(grey, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    h, w = round(picture.height * _CENTRE * px_per_mm), round(picture.width * _CENTRE * px_per_mm)
    top, left = (small.shape[0] - h) // 2, (small.shape[1] - w) // 2
    return np.asarray(small[top : top + h, left : left + w], dtype=np.uint8)


def _relief(grey: NDArray[np.uint8], px_per_mm: float) -> _Grey:
    """Without fine print and noise, and without light and tone that vary smoothly."""
    values = grey.astype(np.float32)
    fine = cv2.GaussianBlur(values, (0, 0), 0.14 * px_per_mm)
    return np.asarray(fine - cv2.GaussianBlur(values, (0, 0), 2.2 * px_per_mm), dtype=np.float32)


def _peak(scores: NDArray[np.float32], column: int) -> float:
    """The best column to a fraction, by a parabola through its neighbours."""
    row = scores.max(axis=0)
    if not 0 < column < len(row) - 1:
        return float(column)
    before, here, after = (float(row[column + i]) for i in (-1, 0, 1))
    curve = before - 2 * here + after
    return column + (0.5 * (before - after) / curve if curve < 0 else 0.0)
