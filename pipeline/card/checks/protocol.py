"""The one protocol of every check of the card.

A check lives in its own file, subclasses `Check`, and is listed once in `registry.CHECKS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Self

from idproof.models.types import RGBImage
from idproof.pipeline.calibration import DECIMALS, Calibration
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.evidence.surprise import ALONE, Scale
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Outcome, Role


class Limit(StrEnum):
    """The side on which the values of bona fide cards lie."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"
    BY_POLICY = "by_policy"
    """The policy holds the limit, and the check judges by itself; there is no calibration."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity, reported as one check of a verdict.

    Attributes:
        name: the check's name in a verdict and in a calibration.
        unit: unit of the value.
        reason: reason code when the value is beyond its limit; empty when the check gives one of several.
        limit: the side on which bona fide cards lie.
        ratio: true for a quantity that is positive and has no upper end; it is compared by its logarithm.
        optically_variable: true when the quantity shows that a region's look changes with the angle.
        tolerance: by which the standard lets genuine cards differ, for a quantity with limits on both sides.
        lost_in_darkness: true when lack of light moves a genuine card's value beyond its limit, by noise or by loss of
            colour, so that a failure says nothing where a capture is too dark.
        speaks_to: hypotheses of fraud that the quantity is evidence for (`evidence.model`).
        family: name of quantities that one thing moves together, such as a telephone's sharpening all letters; of a
            family only the one furthest off counts as evidence.
        forged: value of a plain forgery, by physics or as measured on tuning attacks; None when forgeries do not have
            one. It keeps evidence from depending on how alike the genuine cards at hand happen to be.
    """

    name: str
    unit: str
    reason: str
    limit: Limit
    ratio: bool = False
    optically_variable: bool = False
    tolerance: float = 0.0
    lost_in_darkness: bool = False
    speaks_to: tuple[Hypothesis, ...] = ()
    forged: float | None = None
    family: str = ""

    def judge(self, value: float, calibration: Calibration) -> CheckResult:
        """Compares a value with those of genuine cards.

        It fails when it is as far beyond them as a forgery's (`evidence.surprise`). Nearer values are evidence, which
        the hypotheses add up.

        Raises:
            CalibrationInvalid: the calibration has no values of this quantity.
            KeyError: the policy holds the limit.
        """
        if self.limit is Limit.WITHIN:
            found = calibration.within(self.name, value, unit=self.unit, reason=self.reason, tolerance=self.tolerance)
        else:
            sides = {Limit.AT_LEAST: calibration.at_least, Limit.AT_MOST: calibration.at_most}
            found = sides[self.limit](self.name, value, unit=self.unit, reason=self.reason)
        if not calibration.values:  # it records what is measured, and limits nothing
            return found
        scale = self.scale(calibration)
        passed = scale.surprise(value) < ALONE
        return replace(
            found,
            outcome=Outcome.PASS if passed else Outcome.FAIL,
            reason=None if passed else self.reason,
            limit=round(scale.limit(value), DECIMALS),
        )

    def scale(self, calibration: Calibration) -> Scale:
        """Makes the scale of values from those of genuine cards; raises `CalibrationInvalid` when there are none."""
        return Scale.of(
            calibration.values_of(self.name),
            below=self.limit in (Limit.AT_LEAST, Limit.WITHIN),
            above=self.limit in (Limit.AT_MOST, Limit.WITHIN),
            ratio=self.ratio,
            tolerance=self.tolerance,
            forged=self.forged,
        )

    def not_assessed(self, reason: str) -> CheckResult:
        """Reports that the quantity could not be measured, for this reason."""
        return CheckResult.not_assessed(self.name, reason)


@dataclass(frozen=True, slots=True)
class CardCaptures:
    """The captures of one card: three from different angles, or a single flat one as `card_front`.

    Attributes:
        images: the captures.
        rectified: the card in its canonical frame, from each capture.
        views: the card's place in each capture.
    """

    images: Mapping[Role, RGBImage]
    rectified: Mapping[Role, RGBImage]
    views: Mapping[Role, CardView]

    @property
    def single(self) -> bool:
        """True for a single flat capture."""
        return len(self.rectified) == 1


@dataclass(frozen=True)
class Check(ABC):
    """One check of the card, prepared for one document type. Used from any thread.

    Class attributes:
        reports: all quantities that the check can report, in the verdict's order.
        single_capture: true when one flat capture is enough for it.

    Attributes:
        document: the type.
    """

    reports: ClassVar[tuple[Quantity, ...]]
    single_capture: ClassVar[bool]

    document: DocumentType

    @classmethod
    def applies(cls, document: DocumentType) -> bool:  # noqa: ARG003  (most checks apply to every type)
        """Returns true when cards of the type have what the check examines."""
        return True

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares the check for a type that it applies to; raises `DocumentTypeInvalid`."""
        return cls(document)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that a card of this type must be within the limits of."""
        return self.reports

    @abstractmethod
    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures and judges the quantities, one result each.

        Args:
            card: the captures.
            policy: the limits in force.
        """
