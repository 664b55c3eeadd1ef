"""Measures the letters of a card's fields and their ink: depth, tint, height, stroke width and shape.

No text is read here. Ink absorbs red, green and blue alike; the coloured waves of a patterned ground leave one of the
three alone. All quantities are ratios within one capture, which exposure and the colour of the light do not change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import LINEAR_LIGHT, Plane
from idproof.pipeline.documents import DocumentType, FieldSpec

# Chosen by hand on tuning cards; no outside source.
LEAST_LETTERS = 2
"""Letters that a field needs to be measured."""
_CLOSING_MM = 1.1  # wider than any stroke, so that closing leaves the ground
_GROUND_BLUR_PX = (0.8, 2.0)  # before and after closing
_INSET_MM = 0.1
_INKED, _LEAST_INKED_PX = 0.45, 60  # share of the light absorbed, and pixels that absorb it
_DEPTH_QUANTILE = 0.9  # of the ink's pixels
_CLIPPED = 250  # grey level; a ground as light as this hides the share of it that letters absorb
_ENLARGED = 3
_OFF_LINE, _OFF_HEIGHT = 0.08, 0.12  # of a letter's height: distance from the line, and difference in height
_EDGE_WIDTH = 0.25  # range of ink over which a pixel counts as partly filled
_SHAPE = (16, 20)  # columns and rows in which letters are compared

_LINEAR_LIGHT = LINEAR_LIGHT.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _FieldInk:
    """The ink of one field in one capture.

    Attributes:
        ink: (h, w), share of the light that the pixel absorbs in every colour, 0..1.
        depth: of the darkest ink.
    """

    ink: Plane
    depth: float


@dataclass(frozen=True, slots=True)
class FieldLetters:
    """The capitals and digits of one field in one capture.

    Attributes:
        height_mm: their height.
        weights: (letters,), natural logarithm of stroke width over height.
        shapes: (letters, pixels), each letter's picture, of mean 0 and length 1.
    """

    height_mm: float
    weights: NDArray[np.float64]
    shapes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CaptureLetters:
    """The measured fields of one capture, by their names.

    Attributes:
        letters: letters of fields that hold digits.
        depths: share of the light that the darkest ink of each field absorbs, of fields whose letters were found.
    """

    letters: Mapping[str, FieldLetters]
    depths: Mapping[str, float] = field(default_factory=dict)

    def only(self, letters: Collection[str]) -> "CaptureLetters":
        """Returns the capture with the letters of these fields alone."""
        return CaptureLetters({name: found for name, found in self.letters.items() if name in letters}, self.depths)


def measure_letters(rectified: RGBImage, document: DocumentType) -> CaptureLetters:
    """Measures one capture; fields that are empty or overexposed are left out."""
    inks = {
        spec.name: found for spec in document.fields if (found := _field_ink(rectified, spec, document)) is not None
    }
    deepest = max((found.depth for found in inks.values()), default=0.0)
    letters = {
        name: line
        for name, ink in inks.items()
        if holds_digits(document.field(name)) and (line := _letters(ink, deepest, document.px_per_mm)) is not None
    }
    depths = {n: ink.depth for n, ink in inks.items() if n in letters or not holds_digits(document.field(n))}
    return CaptureLetters(letters, depths)


def holds_digits(spec: FieldSpec) -> bool:
    """Returns true for a field of digits. A card has many digits, so that each is found elsewhere on it too."""
    return r"\d" in spec.pattern and spec.script in ("digits", "latin")


def _field_ink(rectified: RGBImage, spec: FieldSpec, document: DocumentType) -> _FieldInk | None:
    """Light that is missing from the ground's; None when there are no letters, or the ground is too light."""
    left, top, right, bottom = spec.box.pixels(document.px_per_mm, pad_mm=-_INSET_MM)
    light = _LINEAR_LIGHT[rectified[top:bottom, left:right]]
    side = round(_CLOSING_MM * document.px_per_mm)
    before, after = _GROUND_BLUR_PX
    ground = cv2.morphologyEx(cv2.GaussianBlur(light, (0, 0), before), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    ground = cv2.GaussianBlur(ground, (0, 0), after)
    red, green, blue = cv2.split((1 - light / np.maximum(ground, 1e-3)).clip(0, 1))
    ink = np.minimum(np.minimum(red, green), blue)
    inked = ink[ink > _INKED]
    # More than half of the values lie above: counted, which is quicker than their median.
    overexposed = 2 * np.count_nonzero(ground > _LINEAR_LIGHT[_CLIPPED]) > ground.size
    if len(inked) < _LEAST_INKED_PX or overexposed:
        return None
    return _FieldInk(ink, float(np.quantile(inked, _DEPTH_QUANTILE)))


def _letters(field: _FieldInk, deepest: float, px_per_mm: float) -> FieldLetters | None:
    """Letters are found at half the depth of their own ink, and measured at half the depth of the deepest ink.

    Blur takes more of a thin stroke's depth than of a thick one's, but leaves its edge at half of the whole.
    """
    enlarged = cv2.resize(field.ink, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_LINEAR)
    boxes = _letter_boxes(enlarged > field.depth / 2)
    if len(boxes) < LEAST_LETTERS:
        return None
    height = float(np.mean([bottom - top for _, top, _, bottom in boxes]))
    weights = np.log(_stroke_widths(enlarged, deepest / 2, boxes) / height)
    return FieldLetters(height / _ENLARGED / px_per_mm, weights, _shapes(enlarged, boxes, height))


def _letter_boxes(inked: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Boxes of letters of full height that stand on the line: brackets hang below it, hyphens float above."""
    _, _, found, _ = cv2.connectedComponentsWithStats(inked.astype(np.uint8), connectivity=8)
    boxes = [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in found[1:]]
    heights = [bottom - top for _, top, _, bottom in boxes]
    highest = max(heights, default=0)
    large = [box for box, height in zip(boxes, heights, strict=True) if height > highest / 2]
    line = float(np.median([bottom for *_, bottom in large])) if large else 0.0
    standing = [box for box in large if abs(box[3] - line) <= _OFF_LINE * highest]
    if not standing:
        return []
    common = float(np.median([bottom - top for _, top, _, bottom in standing]))
    return [box for box in standing if abs((box[3] - box[1]) / common - 1) < _OFF_HEIGHT]


def _stroke_widths(enlarged: Plane, level: float, boxes: Sequence[tuple[int, int, int, int]]) -> NDArray[np.float64]:
    """Twice the area over the length of the outline, which is a stroke's width in any letter; in enlarged pixels."""
    filled = ((enlarged - level) / _EDGE_WIDTH + 0.5).clip(0, 1)
    # Sobel's kernel of 3 weighs to 8: scaled so that the gradient is per pixel.
    edge = np.hypot(*(cv2.Sobel(filled, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / 8) for dx in (1, 0)))
    places = [
        (slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)) for left, top, right, bottom in boxes
    ]
    return np.array([2 * filled[place].sum() / edge[place].sum() for place in places])


def _shapes(enlarged: Plane, boxes: Sequence[tuple[int, int, int, int]], height: float) -> NDArray[np.float64]:
    """(letters, pixels): each letter in the middle of a window of `_SHAPE`, its foot on the lower edge."""
    smooth = cv2.GaussianBlur(enlarged, (0, 0), _ENLARGED / 2)
    columns, rows = _SHAPE
    scale = rows / height
    shapes = []
    for left, _, right, bottom in boxes:
        place = np.array([[scale, 0, columns / 2 - (left + right) / 2 * scale], [0, scale, rows - bottom * scale]])
        picture = cv2.warpAffine(smooth, place, _SHAPE, flags=cv2.INTER_LINEAR).ravel().astype(np.float64)
        shapes.append((picture - picture.mean()) / (picture.std() * np.sqrt(picture.size) + 1e-9))
    return np.stack(shapes)
