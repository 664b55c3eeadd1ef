"""The ink of a card's fields, and the letters that it makes: how dark, how tinted, how high, how heavy, of what shape.

Nothing is read here. Ink is what takes away red, green and blue alike, for a ground's coloured waves leave one of the
three alone. All quantities are ratios within one capture, which exposure and the light's colour do not change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType, FieldSpec

LEAST_LETTERS = 2
"""Letters that a line needs to be measured."""

_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)  # of a grey level, about
_CLOSED_MM, _SMOOTHED_PX = 1.1, 2.0  # wider than any stroke: what is left is the ground
_INSET_MM = 0.1
_INKED, _LEAST_PX = 0.45, 60
_CLIPPED = 250  # a ground as light as this hides how much of it the letters take away
_UP = 3
_ON_LINE, _FULL = 0.08, 0.12  # of a letter's height: how far it may stand off the line, or be higher or lower
_SHAPE = (16, 20)  # columns and rows that a letter is compared in

_Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Print:
    """One field in one capture: its ink (the share of light that no colour keeps, 0..1), its depth, its tint."""

    ink: _Map
    depth: float
    tint: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """The capitals and digits of one field in one capture.

    Attributes:
        height_mm: of them.
        weights: (letters): natural logarithm of stroke width over height.
        shapes: (letters, pixels): each letter's picture, of mean 0 and length 1.
    """

    height_mm: float
    weights: NDArray[np.float64]
    shapes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """One capture, by the names of its fields.

    Attributes:
        lines: letters of fields that hold digits.
        tints: how much less red, and less blue, than green the ink of each field takes away, as a share of the light.
    """

    lines: Mapping[str, Line]
    tints: Mapping[str, NDArray[np.float64]]


def measure(rectified: RGBImage, document: DocumentType) -> Measured:
    """One capture; fields that are empty or overexposed are left out."""
    prints = {spec.name: found for spec in document.fields if (found := _print(rectified, spec, document)) is not None}
    deepest = max((found.depth for found in prints.values()), default=0.0)
    lines = {
        name: line
        for name, found in prints.items()
        if of_digits(document.field(name)) and (line := _line(found, deepest, document.px_per_mm)) is not None
    }
    return Measured(lines, {name: found.tint for name, found in prints.items()})


def of_digits(spec: FieldSpec) -> bool:
    """Whether a field holds digits, of which a card has many, so that the like of each is found elsewhere on it."""
    return r"\d" in spec.pattern and spec.script in ("digits", "latin")


def _print(rectified: RGBImage, spec: FieldSpec, document: DocumentType) -> _Print | None:
    """What is missing of the ground's light; None when there are no letters, or the ground is too light."""
    left, top, right, bottom = spec.box.pixels(document.px_per_mm, pad_mm=-_INSET_MM)
    light = _LINEAR[rectified[top:bottom, left:right]]
    side = round(_CLOSED_MM * document.px_per_mm)
    ground = cv2.morphologyEx(cv2.GaussianBlur(light, (0, 0), 0.8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    ground = cv2.GaussianBlur(ground, (0, 0), _SMOOTHED_PX)
    red, green, blue = cv2.split((1 - light / np.maximum(ground, 1e-3)).clip(0, 1))
    ink = np.minimum(np.minimum(red, green), blue)
    inked = ink[ink > _INKED]
    if len(inked) < _LEAST_PX or np.median(ground) > _LINEAR[_CLIPPED]:
        return None
    deep = ink >= np.median(inked)
    taken = [float(np.median(channel[deep])) for channel in (red, green, blue)]
    return _Print(ink, float(np.quantile(inked, 0.9)), np.array([taken[1] - taken[0], taken[1] - taken[2]]))


def _line(found: _Print, deepest: float, px_per_mm: float) -> Line | None:
    """Letters are found at half the depth of their own ink, and measured at half that of the deepest.

    Blur takes more of a thin stroke's depth than of a thick one's, but leaves its edge at half of the whole.
    """
    fine = cv2.resize(found.ink, None, fx=_UP, fy=_UP, interpolation=cv2.INTER_LINEAR)
    boxes = _letters(fine > found.depth / 2)
    if len(boxes) < LEAST_LETTERS:
        return None
    height = float(np.mean([bottom - top for _, top, _, bottom in boxes]))
    weights = np.log(_widths(fine, deepest / 2, boxes) / height)
    return Line(height / _UP / px_per_mm, weights, _shapes(fine, boxes, height))


def _letters(inked: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Boxes of those of full height that stand on the line: brackets hang below it, hyphens above."""
    _, _, found, _ = cv2.connectedComponentsWithStats(inked.astype(np.uint8), connectivity=8)
    boxes = [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in found[1:]]
    heights = [bottom - top for _, top, _, bottom in boxes]
    highest = max(heights, default=0)
    large = [box for box, height in zip(boxes, heights, strict=True) if height > highest / 2]
    line = float(np.median([bottom for *_, bottom in large])) if large else 0.0
    standing = [box for box in large if abs(box[3] - line) <= _ON_LINE * highest]
    if not standing:
        return []
    common = float(np.median([bottom - top for _, top, _, bottom in standing]))
    return [box for box in standing if abs((box[3] - box[1]) / common - 1) < _FULL]


def _widths(fine: _Map, level: float, boxes: Sequence[tuple[int, int, int, int]]) -> NDArray[np.float64]:
    """Twice the area over the outline's length is a stroke's width, whatever the letter. In pixels of `fine`."""
    filled = ((fine - level) / 0.25 + 0.5).clip(0, 1)
    edge = np.hypot(*(cv2.Sobel(filled, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / 8) for dx in (1, 0)))
    places = [
        (slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)) for left, top, right, bottom in boxes
    ]
    return np.array([2 * filled[place].sum() / edge[place].sum() for place in places])


def _shapes(fine: _Map, boxes: Sequence[tuple[int, int, int, int]], height: float) -> NDArray[np.float64]:
    """Each letter in the middle of as wide a window as the next one leaves, its foot on the lower edge."""
    smooth = cv2.GaussianBlur(fine, (0, 0), _UP / 2)
    scale = _SHAPE[1] / height
    shapes = []
    for left, _, right, bottom in boxes:
        place = np.array(
            [[scale, 0, _SHAPE[0] / 2 - (left + right) / 2 * scale], [0, scale, _SHAPE[1] - bottom * scale]]
        )
        picture = cv2.warpAffine(smooth, place, _SHAPE, flags=cv2.INTER_LINEAR).ravel().astype(np.float64)
        shapes.append((picture - picture.mean()) / (picture.std() * np.sqrt(picture.size) + 1e-9))
    return np.stack(shapes)
