"""Are the fields' letters of one make: one typeface, one weight, the issuer's size, one ink?

An issuer prints all fields of a card with one machine; whoever prints a field over, or writes it into a picture, seldom
has the same letters and ink. Nothing is read here. Ink is what takes away red, green and blue alike, for a ground's
coloured waves leave one of the three alone; and the digits of one field are held against those of the others that
look alike, so that it does not matter which digits they are. All quantities are ratios within one capture, which
exposure and the light's colour do not change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, FieldSpec
from idproof.pipeline.types import CheckResult, Role

TYPEFACE, WEIGHT, SIZE, INK = "field_typeface", "field_weight", "field_size", "field_ink"

_UNCLEAR = "letters_not_clear"
_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)  # of a grey level, about
_CLOSED_MM, _SMOOTHED_PX = 1.1, 2.0  # wider than any stroke: what is left is the ground
_INSET_MM = 0.1
_INKED, _LEAST_PX = 0.45, 60
_CLIPPED = 250  # a ground as light as this hides how much of it the letters take away
_UP = 3
_ON_LINE, _FULL = 0.08, 0.12  # of a letter's height: how far it may stand off the line, or be higher or lower
_LEAST_FIELDS, _LEAST_LETTERS = 3, 2
_SHAPE = (16, 20)  # columns and rows that a letter is compared in
_ALIKE = 0.93  # correlation of two pictures of one digit, and not of two digits
_BEST = 0.2  # share of a field's letters that must find their like: not every digit stands elsewhere too

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


def names(document: DocumentType) -> tuple[str, ...]:
    """The checks that a type's cards go through: of those that it has three fields for."""
    return tuple(name for name, fields in _fields(document).items() if len(fields) >= _LEAST_FIELDS)


def check(rectified: Mapping[Role, RGBImage], document: DocumentType, policy: Policy) -> list[CheckResult]:
    """Each of `names`, by the field that differs most from the others; the captures' median.

    Could not be assessed, with `letters_not_clear`, when a field that is always printed shows its letters in no
    capture, or none shows three fields. Values and reasons:

    - `field_typeface`: 1 - correlation with the digits most like a field's own; `field_of_other_typeface`.
    - `field_weight`: natural logarithm of stroke width over height, against digits that look alike;
      `field_of_other_weight`.
    - `field_size`: natural logarithm of the letters' height over the type's `letters_mm`; `field_of_other_size`.
    - `field_ink`: difference of what the ink takes away of red or blue and of green, as a share of the light;
      `field_of_other_ink`.
    """
    captures = [measure(image, document) for image in rectified.values()]
    found = {
        TYPEFACE: ([_strangeness(c) for c in captures], "1 - correlation", "field_of_other_typeface"),
        WEIGHT: ([_weights(c) for c in captures], "log width", "field_of_other_weight"),
        SIZE: ([_sizes(c, document) for c in captures], "log height", "field_of_other_size"),
        INK: ([_tints(c) for c in captures], "share of light", "field_of_other_ink"),
    }
    results = []
    for name in names(document):
        differences, unit, reason = found[name]
        value = _furthest(differences, _fields(document)[name])
        if value is None:
            results.append(CheckResult.not_assessed(name, _UNCLEAR))
        else:
            results.append(policy.calibration.at_most(name, value, unit=unit, reason=reason))
    return results


def _fields(document: DocumentType) -> dict[str, list[str]]:
    """Check to the fields that every card of the type shows it."""
    printed = [spec for spec in document.fields if spec.required]
    digits = [spec.name for spec in printed if _of_digits(spec)]
    sized = [name for name in digits if document.field(name).letters_mm > 0]
    return {TYPEFACE: digits, WEIGHT: digits, SIZE: sized, INK: [spec.name for spec in printed]}


def measure(rectified: RGBImage, document: DocumentType) -> Measured:
    """One capture; fields that are empty or overexposed are left out."""
    prints = {spec.name: found for spec in document.fields if (found := _print(rectified, spec, document)) is not None}
    deepest = max((found.depth for found in prints.values()), default=0.0)
    lines = {
        name: line
        for name, found in prints.items()
        if _of_digits(document.field(name)) and (line := _line(found, deepest, document.px_per_mm)) is not None
    }
    return Measured(lines, {name: found.tint for name, found in prints.items()})


def _of_digits(spec: FieldSpec) -> bool:
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
    if len(boxes) < _LEAST_LETTERS:
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


def _strangeness(capture: Measured) -> dict[str, float]:
    """How unlike all letters of other fields those letters are that are most like one."""
    if len(capture.lines) < _LEAST_FIELDS:
        return {}
    found = {}
    for name, line in capture.lines.items():
        others = np.concatenate([other.shapes for key, other in capture.lines.items() if key != name])
        found[name] = float(np.quantile(1 - (line.shapes @ others.T).max(axis=1), _BEST))
    return found


def _weights(capture: Measured) -> dict[str, float]:
    """Each field's difference from the others in letters that look alike, in all letters if none do; the median."""
    if len(capture.lines) < _LEAST_FIELDS:
        return {}
    found = {}
    for name, line in capture.lines.items():
        others = [other for key, other in capture.lines.items() if key != name]
        alike = [difference for other in others if (difference := _heavier(line, other)) is not None]
        whole = [float(line.weights.mean() - other.weights.mean()) for other in others]
        found[name] = float(np.median(alike or whole))
    return found


def _heavier(one: Line, other: Line) -> float | None:
    alike = one.shapes @ other.shapes.T > _ALIKE
    if alike.sum() < _LEAST_LETTERS:
        return None
    return float((one.weights[:, None] - other.weights[None, :])[alike].mean())


def _sizes(capture: Measured, document: DocumentType) -> dict[str, float]:
    sized = {name: line for name, line in capture.lines.items() if document.field(name).letters_mm > 0}
    return _apart({name: np.log(line.height_mm / document.field(name).letters_mm) for name, line in sized.items()})


def _tints(capture: Measured) -> dict[str, float]:
    red, blue = (_apart({name: float(tint[i]) for name, tint in capture.tints.items()}) for i in (0, 1))
    return {name: max(red[name], blue[name], key=abs) for name in red}


def _apart(values: Mapping[str, float]) -> dict[str, float]:
    """From the median; empty when there are too few to have one."""
    if len(values) < _LEAST_FIELDS:
        return {}
    middle = float(np.median(list(values.values())))
    return {name: value - middle for name, value in values.items()}


def _furthest(captures: Sequence[Mapping[str, float]], expected: Sequence[str]) -> float | None:
    """Of the field that lies furthest off in the captures' median; None when an expected one is in no capture."""
    fields = {name for capture in captures for name in capture}
    if not fields.issuperset(expected):
        return None
    return max(abs(float(np.median([c[name] for c in captures if name in c]))) for name in fields)
