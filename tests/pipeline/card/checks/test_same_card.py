"""The check that the captures show one card."""

import io
from collections.abc import Callable

import numpy as np
from card_checks import rectified_only
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.same_card import SameCard
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Outcome

POLICY = Policy()


def test_captures_of_different_cards_do_not_agree(
    locator: CardLocator, document: DocumentType, other_card: Callable[[int], Registration]
) -> None:
    rectified = {}
    for role, index in zip(CARD_ROLES, (0, 1, 0), strict=True):
        image = np.array(Image.open(io.BytesIO(other_card(index).parts()[role])).convert("RGB"))
        rectified[role] = locator.rectify(image, locator.locate(image, role, POLICY))
    (mixed,) = SameCard.open(document).measure(rectified_only(rectified), POLICY)
    assert (mixed.outcome, mixed.reason) == (Outcome.FAIL, "cards_differ")
