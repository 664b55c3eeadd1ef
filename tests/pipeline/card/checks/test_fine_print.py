"""The check that the finest print is still there."""

from dataclasses import replace

import cv2
from card_checks import altered, measured

from idproof.pipeline.card.checks.fine_print import FinePrint
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Decision, Outcome, Status


def test_a_soft_copy_has_lost_its_fine_print(document: DocumentType, card: CardCaptures) -> None:
    copied = altered(card, lambda picture: cv2.GaussianBlur(picture, (0, 0), 2.0))
    found = measured(FinePrint.open(document), copied)["recapture_fine_print"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "fine_print_missing")


def test_captures_with_too_few_pixels_are_not_assessed_and_refer(document: DocumentType, card: CardCaptures) -> None:
    far = replace(card, views={role: replace(view, px_per_mm=6.0) for role, view in card.views.items()})
    found = measured(FinePrint.open(document), far)["recapture_fine_print"]
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_too_small_for_print_check")
    assert decide([found], ())[0] is Decision.REFER
