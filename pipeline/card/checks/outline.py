"""Checks that the card's outline has the corners and the proportions of an ISO/IEC 7810 ID-1 card.

The print determines where the outline must be. Each corner and each piece of a side is found where the print ends and
the surroundings begin, close to that place. A picture on a screen continues beyond the corners; a copy is cut by hand.
What cannot be told from the surroundings is not judged.
"""

from dataclasses import dataclass
from typing import Self

from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.outline import OutlineFinder
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

# A radius of 1 mm is no rounded card's: a display's or hand-cut corner measures 0 to 0.4 mm, and genuine cards of other
# image formations measured 2.9 to 4.2 mm.
# Tolerances of ISO/IEC 7810 for ID-1: a radius of 3.18 ± 0.30 mm, and edges between 85.47 × 53.92 and 85.72 × 54.03 mm.
CARD_CORNERS = Quantity(
    "card_corners",
    "mm",
    "corners_not_rounded_as_issued",
    Limit.WITHIN,
    tolerance=0.30,
    forged=1.0,
    speaks_to=(Hypothesis.DISPLAY, Hypothesis.REPLAY),
)
CARD_ASPECT = Quantity(
    "card_aspect",
    "share of the type's",
    "outline_of_other_proportions",
    Limit.WITHIN,
    tolerance=0.13 / 85.60 + 0.06 / 53.98,
    speaks_to=(Hypothesis.DOCUMENT,),
)


@dataclass(frozen=True)
class Outline(Check):
    """`card_corners` and `card_aspect`.

    The values are the corners' radius in millimetres, and the outline's width over its height as a share of the type's,
    each by all captures together. They fail with `corners_not_rounded_as_issued` and
    `outline_of_other_proportions`. Each could not be assessed, with `outline_not_seen`, when too little of the outline
    can be told from the surroundings.

    Attributes:
        finder: of the type's outline.
    """

    finder: OutlineFinder

    reports = (CARD_CORNERS, CARD_ASPECT)
    single_capture = True

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read."""
        return cls(document, OutlineFinder.open(document))

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the outline of every capture."""
        frames = [self.finder.frame(card.images[role], view) for role, view in card.views.items()]
        captures = [self.finder.evidence(frame) for frame in frames]
        left, right, top, bottom = (self.finder.inset(side, captures) for side in range(4))
        proportions = None
        if left is not None and right is not None and top is not None and bottom is not None:
            w, h = self.document.width_mm, self.document.height_mm
            proportions = ((w - left - right) / w) / ((h - top - bottom) / h)
        measured = ((CARD_CORNERS, self.finder.radius(captures)), (CARD_ASPECT, proportions))
        return [
            quantity.not_assessed("outline_not_seen") if value is None else quantity.judge(value, policy.calibration)
            for quantity, value in measured
        ]
