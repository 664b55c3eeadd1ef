"""The check of the noise of portrait and fields."""

from collections.abc import Callable

import cv2
import numpy as np
from card_checks import altered, measured

from idproof.pipeline.card.checks.noise import Noise
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import Outcome


def smooth(box: Box, document: DocumentType) -> Callable[[np.ndarray], np.ndarray]:
    """Removes the noise of one box, as in a picture laid in."""

    def change(picture: np.ndarray) -> np.ndarray:
        left, top, right, bottom = box.pixels(document.px_per_mm)
        picture[top:bottom, left:right] = cv2.bilateralFilter(picture[top:bottom, left:right], 9, 40, 3)
        return picture

    return change


def test_a_portrait_without_the_cards_noise_is_found(document: DocumentType, card: CardCaptures) -> None:
    found = measured(Noise.open(document), altered(card, smooth(document.portrait, document)))
    assert found["portrait_noise"].reason == "portrait_of_other_grain"
    assert found["field_noise"].outcome is Outcome.PASS


def test_a_field_without_the_cards_noise_is_found(document: DocumentType, card: CardCaptures) -> None:
    box = document.field("date_of_birth").box
    found = measured(Noise.open(document), altered(card, smooth(box, document)))
    assert found["field_noise"].reason == "field_of_other_grain"
    assert found["portrait_noise"].outcome is Outcome.PASS
