"""The check for screens of printed dots."""

from dataclasses import replace

import numpy as np
from card_checks import altered, measured

from idproof.pipeline.card.checks.halftone import Halftone
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Decision, Outcome, Role, Status

FRONT = Role.CARD_FRONT


def test_a_screen_of_dots_is_found(document: DocumentType, card: CardCaptures) -> None:
    height, width = card.rectified[FRONT].shape[:2]
    y, x = np.mgrid[:height, :width] / document.px_per_mm
    u, v = (2 * np.pi * 3.2 * (x * np.cos(a) + y * np.sin(a)) for a in np.radians((15.0, 105.0)))
    dots = (3 * (np.cos(u) + np.cos(v)))[..., None]
    printed = altered(card, lambda picture: (picture + dots).clip(0, 255))
    found = measured(Halftone.open(document), printed)["recapture_halftone"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "print_screen_found")


def test_lines_in_one_direction_pass(document: DocumentType, card: CardCaptures) -> None:
    height, width = card.rectified[FRONT].shape[:2]
    y, x = np.mgrid[:height, :width] / document.px_per_mm
    lines = (3 * np.cos(2 * np.pi * 3.2 * (x * np.cos(0.3) + y * np.sin(0.3))))[..., None]
    drawn = altered(card, lambda picture: (picture + lines).clip(0, 255))
    assert measured(Halftone.open(document), drawn)["recapture_halftone"].outcome is Outcome.PASS


def test_a_capture_with_too_few_pixels_is_not_assessed_and_refers(document: DocumentType, card: CardCaptures) -> None:
    far = replace(card, views={role: replace(view, px_per_mm=6.0) for role, view in card.views.items()})
    found = measured(Halftone.open(document), far)["recapture_halftone"]
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_too_small_for_print_check")
    assert decide([found], ())[0] is Decision.REFER
