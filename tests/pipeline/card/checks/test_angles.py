"""The check of the three angles."""

import pytest
from card_views import card_views

from idproof.pipeline import Policy
from idproof.pipeline.card.checks.angles import CardAngles
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome


@pytest.mark.parametrize(
    ("turns", "outcome", "reason"),
    [
        ((0.0, 22.0, -22.0), Outcome.PASS, None),
        ((0.0, 1.0, -1.0), Outcome.FAIL, "angles_not_distinct"),
        ((0.0, 22.0, 21.0), Outcome.FAIL, "angles_not_distinct"),
        ((0.0, -22.0, 22.0), Outcome.DOUBT, "angles_not_as_instructed"),
        ((0.0, 22.0, -9.5), Outcome.DOUBT, "angles_not_as_instructed"),
        ((16.0, 35.0, -22.0), Outcome.DOUBT, "angles_not_as_instructed"),
    ],
)
def test_angles_must_differ_as_instructed(
    document: DocumentType, turns: tuple[float, ...], outcome: Outcome, reason: str | None
) -> None:
    card = CardCaptures({}, {}, card_views(document, 1600.0, *turns))
    (found,) = CardAngles.open(document).measure(card, Policy())
    assert (found.outcome, found.reason) == (outcome, reason)
