"""The check that one camera looking at one flat card explains the views."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from card_views import card_views

from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.rigid_card import RigidCard
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Outcome, Role


def judged(document: DocumentType, views: Mapping[Role, CardView]) -> CheckResult:
    (found,) = RigidCard.open(document).measure(CardCaptures({}, {}, views), Policy())
    return found


@pytest.mark.parametrize("focal", [1300.0, 1700.0, 2100.0])
def test_true_views_are_rigid(document: DocumentType, focal: float) -> None:
    found = judged(document, card_views(document, focal, 2.0, 24.0, -27.0))
    assert found.outcome is Outcome.PASS
    assert found.value < 0.001


@pytest.mark.parametrize("stretch", [(1.08, 1.0), (1.0, 1.1)])
def test_a_card_of_other_proportions_is_not_rigid(document: DocumentType, stretch: tuple[float, float]) -> None:
    """A print or a picture on a screen may be drawn too wide or too high."""
    wrong = {
        role: replace(view, homography=view.homography @ np.diag([*stretch, 1.0]))
        for role, view in card_views(document, 1600.0, 2.0, 24.0, -27.0).items()
    }
    found = judged(document, wrong)
    assert (found.outcome, found.reason) == (Outcome.FAIL, "views_not_of_one_card_and_camera")


def test_a_picture_with_its_own_perspective_is_not_rigid(document: DocumentType) -> None:
    """One capture is warped as no camera would warp it, with its corners pulled apart."""
    three = card_views(document, 1600.0, 2.0, 24.0, -27.0)
    pulled = three[Role.CARD_FRONT].homography @ np.array([[1, 0, 0], [0, 1, 0], [2e-3, 2e-3, 1]])
    three[Role.CARD_FRONT] = replace(three[Role.CARD_FRONT], homography=pulled / pulled[2, 2])
    assert judged(document, three).outcome is Outcome.FAIL
