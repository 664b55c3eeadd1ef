"""Runs every check that applies to the cards of one document type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from idproof.models.types import RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.checks.second_portrait import second_portrait_region
from idproof.pipeline.card.light import is_too_dark
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role


@dataclass(frozen=True)
class CardExaminer:
    """The checks of one document type's cards. Made once, used from any thread.

    Attributes:
        document: the type.
        checks: the checks that apply to it and that it does not leave out, in the verdict's order.
        left_out: names of the checks that apply to it, and that it leaves out.
    """

    document: DocumentType
    checks: tuple[Check, ...]
    left_out: tuple[str, ...] = ()

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
        """Names of all checks that a card of this type must pass."""
        return tuple(quantity.name for quantity in self.quantities)

    @property
    def optically_variable(self) -> bool:
        """True when a check requires a region of the card to change with the angle."""
        return any(quantity.optically_variable for quantity in self.quantities)

    def require_limits(self, calibration: Calibration) -> None:
        """Require that a calibration has values for every quantity that is measured; raises `DocumentTypeInvalid`."""
        measured = (quantity for check in self.checks for quantity in check.quantities)
        judged = [quantity.name for quantity in measured if quantity.limit is not Limit.BY_POLICY]
        if missing := [name for name in judged if name not in calibration.values]:
            raise DocumentTypeInvalid(
                f"The calibration of the document type {self.document.name} has no values of {missing[0]}."
            )

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
        return self._results(CardCaptures(images, rectified, views), self.checks, policy)

    def examine_one(self, image: RGBImage, rectified: RGBImage, view: CardView, policy: Policy) -> list[CheckResult]:
        """Runs the checks that work on a single flat capture.

        It never replaces `examine`: nothing here saw the card from another angle.
        """
        front = Role.CARD_FRONT
        card = CardCaptures({front: image}, {front: rectified}, {front: view})
        return self._results(card, [check for check in self.checks if check.single_capture], policy)

    def _results(self, card: CardCaptures, checks: Iterable[Check], policy: Policy) -> list[CheckResult]:
        """Results of checks; where the captures are too dark, failures that darkness explains are not assessed.

        One failure that darkness does not explain lets all stand: a display's grid, for example, looks like noise.
        """
        measured = [result for check in checks for result in check.measure(card, policy)]
        results = [result for result in measured if result.name not in self.left_out]
        failed = {result.name for result in results if result.outcome is Outcome.FAIL}
        explained = {quantity.name for quantity in self.quantities if quantity.lost_in_darkness}
        if not failed or failed - explained or not is_too_dark(card.images, card.views, self.document):
            return results
        return [
            CheckResult.not_assessed(result.name, "capture_too_dark") if result.name in failed else result
            for result in results
        ]
