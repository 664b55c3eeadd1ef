"""Checks that the fields' letters are of one make: one typeface, one weight, the issuer's size.

An issuer prints all fields of a card with one machine. A forger who prints a field over, or writes it into a picture,
seldom has the same letters. The digits of one field are compared with those of the others that look alike, so
it does not matter which digits they are. `lettering` measures them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.lettering import LEAST_LETTERS, CaptureLetters, FieldLetters, holds_digits, measure_letters
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

_LETTERS = "letters"
FIELD_TYPEFACE = Quantity(
    "field_typeface",
    "1 - correlation",
    "field_of_other_typeface",
    Limit.AT_MOST,
    lost_in_darkness=True,
    forged=0.13,  # another typeface gave 0.08 and 0.14 on tuning cards, genuine ones up to 0.12
    speaks_to=(Hypothesis.FIELD,),
    family=_LETTERS,
)
FIELD_WEIGHT = Quantity(
    "field_weight",
    "log width",
    "field_of_other_weight",
    Limit.AT_MOST,
    lost_in_darkness=True,
    forged=0.15,
    speaks_to=(Hypothesis.FIELD,),
    family=_LETTERS,
)
FIELD_SIZE = Quantity(
    "field_size",
    "log height",
    "field_of_other_size",
    Limit.AT_MOST,
    lost_in_darkness=True,
    forged=0.06,
    speaks_to=(Hypothesis.FIELD,),
    family=_LETTERS,
)
# Chosen by hand on tuning cards; no outside source.
_LEAST_FIELDS = 3  # the least that have a majority
_AS_DEEP = 0.9  # share of the deepest ink that a capture must show of a field to be measured there
_NOT_PALE = 0.8  # share of the depth of the deepest field of the capture, likewise
_SAME_DIGIT = 0.93  # correlation that two pictures of one digit reach, and pictures of two digits do not
_SAME_DIGIT_ANY_FACE = 0.78  # correlation that one digit reaches in another typeface too; two digits of one face: 0.76


@dataclass(frozen=True)
class Letters(Check):
    """Three quantities of the field that differs most from the others, in the capture in which it differs least.

    A type is asked for those that it has three fields for. They could not be assessed, with `letters_not_clear`, when
    a field that is always printed shows its letters in no capture, or no capture shows three fields. The typeface is
    not assessed either when such a field shares fewer than two digits with the others in every capture.

    - `field_typeface`: 1 - correlation with the same digits of other fields, the median; `field_of_other_typeface`.
    - `field_weight`: natural logarithm of stroke width over height, against digits that look alike;
      `field_of_other_weight`.
    - `field_size`: natural logarithm of the letters' height over the type's `letters_mm`; `field_of_other_size`.
    """

    reports = (FIELD_TYPEFACE, FIELD_WEIGHT, FIELD_SIZE)
    single_capture = True

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that the type has three fields for."""
        fields = _fields_of(self.document)
        return tuple(quantity for quantity in self.reports if len(fields[quantity]) >= _LEAST_FIELDS)

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the letters of every capture once for all quantities."""
        if not self.quantities:
            return []
        captures = _clear([measure_letters(image, self.document) for image in card.rectified.values()])
        fields, results = _fields_of(self.document), []
        for quantity in self.quantities:
            differences = [_DIFFERENCES[quantity](capture, self.document) for capture in captures]
            value = _furthest(differences, fields[quantity])
            if value is None:
                results.append(quantity.not_assessed("letters_not_clear"))
            else:
                results.append(quantity.judge(value, policy.calibration))
        return results


def _clear(captures: Sequence[CaptureLetters]) -> list[CaptureLetters]:
    """Leaves out the fields of a capture whose ink is pale there, by glare: the best capture shows it deeper.

    Letters that are paler than those of other fields, by glare or by nature, are left out too: they seem thinner.
    """
    deepest: dict[str, float] = {}
    for capture in captures:
        deepest |= {name: max(depth, deepest.get(name, 0.0)) for name, depth in capture.depths.items()}
    return [
        capture.only(
            [
                name
                for name, depth in capture.depths.items()
                if depth >= max(_AS_DEEP * deepest[name], _NOT_PALE * max(capture.depths.values()))
            ]
        )
        for capture in captures
    ]


def _fields_of(document: DocumentType) -> dict[Quantity, list[str]]:
    """For each quantity the fields in which every card of the type shows it."""
    printed = [spec for spec in document.fields if spec.required]
    digits = [spec.name for spec in printed if holds_digits(spec)]
    sized = [name for name in digits if document.field(name).letters_mm > 0]
    return {
        FIELD_TYPEFACE: digits,
        FIELD_WEIGHT: digits,
        FIELD_SIZE: sized,
    }


def _typefaces(capture: CaptureLetters, document: DocumentType) -> dict[str, float]:  # noqa: ARG001  (as the others)
    """For each field, the median distance of its letters from the letter of other fields that is most like each.

    Letters that are like no other one are characters that stand nowhere else on the card, and are left out; so are
    fields with fewer than `LEAST_LETTERS` others.
    """
    if len(capture.letters) < _LEAST_FIELDS:
        return {}
    found = {}
    for name, letters in capture.letters.items():
        others = np.concatenate([other.shapes for key, other in capture.letters.items() if key != name])
        likeness = (letters.shapes @ others.T).max(axis=1)
        shared = likeness[likeness > _SAME_DIGIT_ANY_FACE]
        if len(shared) >= LEAST_LETTERS:
            found[name] = 1 - float(np.median(shared))
    return found


def _weights(capture: CaptureLetters, document: DocumentType) -> dict[str, float]:  # noqa: ARG001  (as the others)
    """Median of each field's differences from the others in letters that look alike; in all letters if none do."""
    if len(capture.letters) < _LEAST_FIELDS:
        return {}
    found = {}
    for name, letters in capture.letters.items():
        others = [other for key, other in capture.letters.items() if key != name]
        alike = [difference for other in others if (difference := _weight_difference(letters, other)) is not None]
        overall = [float(letters.weights.mean() - other.weights.mean()) for other in others]
        found[name] = float(np.median(alike or overall))
    return found


def _weight_difference(one: FieldLetters, other: FieldLetters) -> float | None:
    """Mean over pairs of letters that look alike; None when there are too few."""
    alike = one.shapes @ other.shapes.T > _SAME_DIGIT
    if alike.sum() < LEAST_LETTERS:
        return None
    return float((one.weights[:, None] - other.weights[None, :])[alike].mean())


def _sizes(capture: CaptureLetters, document: DocumentType) -> dict[str, float]:
    sized = {name: letters for name, letters in capture.letters.items() if document.field(name).letters_mm > 0}
    return _from_median({n: np.log(letters.height_mm / document.field(n).letters_mm) for n, letters in sized.items()})


def _from_median(values: Mapping[str, float]) -> dict[str, float]:
    """Differences from the median; empty when there are too few values to have one."""
    if len(values) < _LEAST_FIELDS:
        return {}
    middle = float(np.median(list(values.values())))
    return {name: value - middle for name, value in values.items()}


def _furthest(captures: Sequence[Mapping[str, float]], expected: Sequence[str]) -> float | None:
    """The value of the field furthest off in the capture where it is least so; None when an expected one is in none.

    Another print differs in every capture, and glare over a field or beside it in some.
    """
    fields = {name for capture in captures for name in capture}
    if not fields.issuperset(expected):
        return None
    return max(min(abs(capture[name]) for capture in captures if name in capture) for name in fields)


_DIFFERENCES: dict[Quantity, Callable[[CaptureLetters, DocumentType], dict[str, float]]] = {
    FIELD_TYPEFACE: _typefaces,
    FIELD_WEIGHT: _weights,
    FIELD_SIZE: _sizes,
}
