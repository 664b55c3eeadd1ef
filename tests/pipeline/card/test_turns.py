"""Turns of the card against those of exact views."""

import pytest
from card_views import card_views

from idproof.pipeline.card.turns import turns_deg
from idproof.pipeline.documents import DocumentType


@pytest.mark.parametrize("focal", [1300.0, 1700.0, 2100.0])
def test_turns_are_measured_without_knowing_the_camera(document: DocumentType, focal: float) -> None:
    found = turns_deg(card_views(document, focal, 2.0, 24.0, -27.0))
    assert list(found.values()) == pytest.approx([2.0, 24.0, -27.0], abs=1.5)
