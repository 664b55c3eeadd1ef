"""Are the fields' letters of one make: one typeface, one weight, the issuer's size, one ink?

An issuer prints all fields of a card with one machine; whoever prints a field over, or writes it into a picture, seldom
has the same letters and ink. The digits of one field are held against those of the others that look alike, so that it
does not matter which digits they are; what is measured of them is in `ink`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.ink import LEAST_LETTERS, Line, Measured, measure, of_digits
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Role

TYPEFACE, WEIGHT, SIZE, INK = "field_typeface", "field_weight", "field_size", "field_ink"

_UNCLEAR = "letters_not_clear"
_LEAST_FIELDS = 3
_ALIKE = 0.93  # correlation of two pictures of one digit, and not of two digits
_BEST = 0.2  # share of a field's letters that must find their like: not every digit stands elsewhere too


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
    digits = [spec.name for spec in printed if of_digits(spec)]
    sized = [name for name in digits if document.field(name).letters_mm > 0]
    return {TYPEFACE: digits, WEIGHT: digits, SIZE: sized, INK: [spec.name for spec in printed]}


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
    if alike.sum() < LEAST_LETTERS:
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
