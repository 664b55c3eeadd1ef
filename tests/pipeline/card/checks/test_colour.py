"""The check that the card has colour."""

import numpy as np
from card_checks import altered, measured

from idproof.pipeline.card.checks.colour import Colour
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome, Role


def grey(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)


def test_a_grey_copy_in_one_capture_fails(document: DocumentType, card: CardCaptures) -> None:
    found = measured(Colour.open(document), altered(card, grey, Role.CARD_TILT_LEFT))["recapture_copy"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "card_without_colour")


def test_a_tint_of_the_light_gives_a_grey_copy_no_colour(document: DocumentType, card: CardCaptures) -> None:
    tinted = altered(card, lambda picture: grey(picture) * np.array([1.0, 0.9, 0.75]))
    assert measured(Colour.open(document), tinted)["recapture_copy"].outcome is Outcome.FAIL


def test_a_genuine_card_has_colour(document: DocumentType, card: CardCaptures) -> None:
    assert measured(Colour.open(document), card)["recapture_copy"].outcome is Outcome.PASS
