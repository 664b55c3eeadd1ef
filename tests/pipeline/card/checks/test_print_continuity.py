"""The check that the static print continues everywhere."""

import numpy as np
from card_checks import altered, measured

from idproof.pipeline.card.checks.print_continuity import PrintContinuity
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import Outcome, Role


def test_print_that_is_covered_in_every_capture_is_interrupted(document: DocumentType, card: CardCaptures) -> None:
    def cover(picture: np.ndarray) -> np.ndarray:
        left, top, right, bottom = Box(56.0, 30.5, 10.5, 12.0).pixels(document.px_per_mm)
        picture[top:bottom, left:right] = picture[top:bottom, left:right].mean(axis=(0, 1))
        return picture

    check = PrintContinuity.open(document)
    assert measured(check, altered(card, cover))["print_continuity"].reason == "print_interrupted"
    once = measured(check, altered(card, cover, Role.CARD_FRONT))["print_continuity"]
    assert once.outcome is Outcome.PASS, "a reflection in one capture"
