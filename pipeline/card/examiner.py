"""Runs every check that applies to the cards of one document type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.checks.second_portrait import second_portrait_region
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.types import CheckResult, Role


@dataclass(frozen=True)
class CardExaminer:
    """The checks of one document type's cards. Made once, used from any thread.

    Attributes:
        document: the type.
        checks: the checks that apply to it, in the verdict's order.
    """

    document: DocumentType
    checks: tuple[Check, ...]

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepares every check that applies to the type; raises `DocumentTypeInvalid`."""
        return cls(document, tuple(check.open(document) for check in CHECKS if check.applies(document)))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of all checks that a card of this type must pass."""
        return tuple(quantity.name for check in self.checks for quantity in check.quantities)

    @property
    def optically_variable(self) -> bool:
        """True when a check requires a region of the card to change with the angle."""
        return any(quantity.optically_variable for check in self.checks for quantity in check.quantities)

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
        return [result for check in self.checks for result in check.measure(card, policy)]

    def examine_one(self, image: RGBImage, rectified: RGBImage, view: CardView, policy: Policy) -> list[CheckResult]:
        """Runs the checks that work on a single flat capture.

        It never replaces `examine`: nothing here saw the card from another angle.
        """
        front = Role.CARD_FRONT
        card = CardCaptures({front: image}, {front: rectified}, {front: view})
        return [result for check in self.checks if check.single_capture for result in check.measure(card, policy)]
