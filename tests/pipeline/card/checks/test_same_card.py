"""The check that the captures show one card."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from card_checks import altered, rectified_only
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.same_card import SameCard
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Outcome, Role, Status

POLICY = Policy()


@pytest.mark.parametrize("cards", [(0, 1, 0), (1, 0, 0), (0, 1, 1), (2, 1, 1), (1, 2, 2), (2, 0, 2)])
def test_captures_of_different_cards_do_not_agree(
    cards: tuple[int, ...], locator: CardLocator, document: DocumentType, other_card: Callable[[int], Registration]
) -> None:
    rectified = {}
    for role, index in zip(CARD_ROLES, cards, strict=True):
        image = np.array(Image.open(io.BytesIO(other_card(index).parts()[role])).convert("RGB"))
        rectified[role] = locator.rectify(image, locator.locate(image, role, POLICY))
    (mixed,) = SameCard.open(document).measure(rectified_only(rectified), POLICY)
    assert (mixed.outcome, mixed.reason) == (Outcome.FAIL, "cards_differ")


def glare(role: Role, card: CardCaptures, document: DocumentType, share: float) -> CardCaptures:
    """The card with white light over the left part of the portrait in one capture."""
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)

    def lit(picture: np.ndarray) -> np.ndarray:
        picture[top:bottom, left : left + round(share * (right - left))] = 255
        return picture

    return altered(card, lit, role)


def test_a_highlight_is_left_out_and_is_no_difference(document: DocumentType, card: CardCaptures) -> None:
    (found,) = SameCard.open(document).measure(glare(Role.CARD_TILT_LEFT, card, document, 0.4), POLICY)
    assert found.outcome is Outcome.PASS
    assert found.value is not None
    assert found.value > 0.7


def test_a_portrait_hidden_in_two_captures_is_not_assessed(document: DocumentType, card: CardCaptures) -> None:
    hidden = glare(Role.CARD_TILT_LEFT, card, document, 1.0)
    hidden = glare(Role.CARD_TILT_RIGHT, hidden, document, 1.0)
    (found,) = SameCard.open(document).measure(hidden, POLICY)
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_overexposed")


@pytest.mark.parametrize("number", [3, 4])
def test_another_face_in_one_capture_is_far_from_agreeing(
    number: int,
    document: DocumentType,
    card: CardCaptures,
    locator: CardLocator,
    other_card: Callable[[int], Registration],
) -> None:
    """Heads before like grounds correlate up to 0.76 as print of one contrast; their features do not."""
    image = np.array(Image.open(io.BytesIO(other_card(number).parts()[Role.CARD_FRONT])).convert("RGB"))
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
    photograph = locator.rectify(image, locator.locate(image, Role.CARD_FRONT, POLICY))[top:bottom, left:right]

    def exchanged(picture: np.ndarray) -> np.ndarray:
        level = picture[top:bottom, left:right].mean() / photograph.mean()
        picture[top:bottom, left:right] = np.clip(photograph * level, 0, 250)
        return picture

    (found,) = SameCard.open(document).measure(altered(card, exchanged, Role.CARD_FRONT), POLICY)
    assert found.outcome is Outcome.FAIL
    assert found.value is not None
    assert found.value < 0.3


@pytest.mark.parametrize("brighter", [1.5, 2.0])
def test_a_brighter_photograph_of_another_person_in_one_capture_does_not_pass(
    brighter: float,
    document: DocumentType,
    card: CardCaptures,
    locator: CardLocator,
    other_card: Callable[[int], Registration],
) -> None:
    """Brightness alone passes for glare, and would leave the exchanged portrait out."""
    image = np.array(Image.open(io.BytesIO(other_card(1).parts()[Role.CARD_FRONT])).convert("RGB"))
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
    photograph = locator.rectify(image, locator.locate(image, Role.CARD_FRONT, POLICY))[top:bottom, left:right]

    def exchanged(picture: np.ndarray) -> np.ndarray:
        level = brighter * picture[top:bottom, left:right].mean() / photograph.mean()
        picture[top:bottom, left:right] = np.clip(photograph * level, 0, 250)
        return picture

    (found,) = SameCard.open(document).measure(altered(card, exchanged, Role.CARD_FRONT), POLICY)
    assert found.outcome is not Outcome.PASS
