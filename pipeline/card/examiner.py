"""Runs every check that applies to the cards of one document type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from idproof.models.types import RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.checks.second_portrait import second_portrait_region
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.evidence.judgement import explained_by_darkness, judge_evidence
from idproof.pipeline.card.evidence.model import EvidenceModel, shipped_evidence
from idproof.pipeline.card.evidence.surprise import ALONE
from idproof.pipeline.card.light import is_too_dark
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role

_MOST_REJECTED = 0.1
"""Share of its own genuine cards beyond which a calibration's limits suit them badly. One card in 20 may be a bad
capture, and to have an operator leave it out would invite picking. Chosen by hand; no outside source."""


@dataclass(frozen=True)
class CardExaminer:
    """The checks of one document type's cards. Made once, used from any thread.

    Attributes:
        document: the type.
        checks: the checks that apply to it and that it does not leave out, in the verdict's order.
        left_out: names of the checks that apply to it, and that it leaves out.
        evidence: the model by which the measured quantities are evidence for hypotheses of fraud.
    """

    document: DocumentType
    checks: tuple[Check, ...]
    left_out: tuple[str, ...] = ()
    evidence: EvidenceModel = field(default_factory=shipped_evidence, repr=False)

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares the checks that apply to the type and that it does not leave out.

        Raises:
            DocumentTypeInvalid: the type names a check that does not exist or does not apply to it.
        """
        applicable = tuple(check.open(document) for check in CHECKS if check.applies(document))
        named = document.card_checks
        if named is None:
            return cls(document, applicable)
        names = [quantity.name for check in applicable for quantity in check.quantities]
        if unknown := [name for name in named if name not in names]:
            raise DocumentTypeInvalid(
                f"The document type {document.name} names {unknown[0]}, which is no check of its cards."
            )
        made = tuple(check for check in applicable if any(quantity.name in named for quantity in check.quantities))
        return cls(document, made, tuple(name for name in names if name not in named))

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that a card of this type must be within the limits of."""
        measured = (quantity for check in self.checks for quantity in check.quantities)
        return tuple(quantity for quantity in measured if quantity.name not in self.left_out)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of all checks that a card of this type must pass: the quantities, and the hypotheses of fraud."""
        quantities = self.quantities
        spoken_to = {hypothesis for quantity in quantities for hypothesis in quantity.speaks_to}
        hypotheses = tuple(hypothesis.value for hypothesis in Hypothesis if hypothesis in spoken_to)
        return (*(quantity.name for quantity in quantities), *hypotheses)

    @property
    def optically_variable(self) -> bool:
        """True when a check requires a region of the card to change with the angle."""
        return any(quantity.optically_variable for quantity in self.quantities)

    def require_limits(self, calibration: Calibration) -> None:
        """Require that a calibration can judge every quantity that is measured.

        Raises:
            DocumentTypeInvalid: it has no values of a quantity. Or a quantity that a card is judged by would let a
                plain forgery pass, or would reject many genuine cards of the calibration.
        """
        subject = f"The calibration of the document type {self.document.name}"
        measured = (quantity for check in self.checks for quantity in check.quantities)
        for quantity in measured:
            if quantity.limit is Limit.BY_POLICY:
                continue
            if quantity.name not in calibration.values:
                raise DocumentTypeInvalid(f"{subject} has no values of {quantity.name}.")
            if quantity.name in self.left_out:
                continue
            scale = quantity.scale(calibration)
            # The unit is a distance and has no sign: with genuine cards beyond the forgery none is far from them.
            if quantity.forged is not None and scale.surprise(quantity.forged) < ALONE:
                raise DocumentTypeInvalid(
                    f"{subject} has genuine cards where {quantity.name} places a forgery, or beyond it."
                )
            values = calibration.values_of(quantity.name)
            if sum(scale.surprise(value) >= ALONE for value in values) > _MOST_REJECTED * len(values):
                raise DocumentTypeInvalid(f"{subject} has many genuine cards that {quantity.name} would reject.")

    @property
    def second_portrait(self) -> Region | None:
        """The type's second portrait, or None."""
        return second_portrait_region(self.document)

    def examine(
        self,
        images: Mapping[Role, RGBImage],
        rectified: Mapping[Role, RGBImage],
        views: Mapping[Role, CardView],
        policy: Policy,
    ) -> list[CheckResult]:
        """Runs all checks on the three captures of one card.

        Args:
            images: the captures.
            rectified: the card in its canonical frame, from each.
            views: the card's place in each.
            policy: the limits in force.
        """
        card = CardCaptures(images, rectified, views)
        measured = self._measured(card, self.checks, policy)
        judged = judge_evidence(measured, self.quantities, policy.calibration, self.evidence)
        return self._as_lit(card, measured, judged, policy)

    def measure(
        self,
        images: Mapping[Role, RGBImage],
        rectified: Mapping[Role, RGBImage],
        views: Mapping[Role, CardView],
        policy: Policy,
    ) -> list[CheckResult]:
        """Measures the quantities of `examine` without judging the card by them together."""
        return self._measured(CardCaptures(images, rectified, views), self.checks, policy)

    def examine_one(self, image: RGBImage, rectified: RGBImage, view: CardView, policy: Policy) -> list[CheckResult]:
        """Runs the checks that work on a single flat capture.

        It never replaces `examine`: nothing here saw the card from another angle.
        """
        front = Role.CARD_FRONT
        card = CardCaptures({front: image}, {front: rectified}, {front: view})
        measured = self._measured(card, [check for check in self.checks if check.single_capture], policy)
        return self._as_lit(card, measured, [], policy)

    def _measured(self, card: CardCaptures, checks: Iterable[Check], policy: Policy) -> list[CheckResult]:
        measured = [result for check in checks for result in check.measure(card, policy)]
        return [result for result in measured if result.name not in self.left_out]

    def _as_lit(
        self, card: CardCaptures, measured: list[CheckResult], judged: list[CheckResult], policy: Policy
    ) -> list[CheckResult]:
        """All results; where the captures are too dark, failures that darkness explains are not assessed.

        One failure that darkness does not explain lets all stand: a display's grid, for example, looks like noise.
        Noise hides print as a finger does, so that a cover in the dark is no cover.
        """
        results = [*measured, *judged]
        against = {result.name for result in measured if result.outcome is Outcome.FAIL}
        against |= {result.name for result in judged if result.outcome in (Outcome.FAIL, Outcome.DOUBT)}
        explained = {quantity.name for quantity in self.quantities if quantity.lost_in_darkness}
        if judged:
            explained |= explained_by_darkness(measured, self.quantities, policy.calibration, self.evidence)
        hidden = {result.name for result in results if result.reason == "card_covered"}
        if not (against or hidden) or against - explained or not is_too_dark(card.images, card.views, self.document):
            return results
        return [
            CheckResult.not_assessed(result.name, "capture_too_dark") if result.name in against | hidden else result
            for result in results
        ]
