"""The check for the pixel grid of a display."""

from dataclasses import replace

import numpy as np
from card_checks import measured

from idproof.pipeline.card.checks.display_grid import DisplayGrid
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome, Role, Status


def test_a_regular_grid_in_two_captures_is_found(document: DocumentType, card: CardCaptures) -> None:
    front = card.images[Role.CARD_FRONT]
    y, x = np.mgrid[: front.shape[0], : front.shape[1]]
    u, v = (2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / 3.3 for a in np.radians((20.0, 110.0)))
    grid = (9 * (np.cos(u) + np.cos(v)))[..., None]
    displays = {role: (image + grid).clip(0, 255).astype(np.uint8) for role, image in card.images.items()}
    one = replace(card, images={**card.images, Role.CARD_FRONT: displays[Role.CARD_FRONT]})
    assert measured(DisplayGrid.open(document), one)["recapture_screen"].outcome is Outcome.PASS
    two = replace(card, images={**displays, Role.CARD_TILT_RIGHT: card.images[Role.CARD_TILT_RIGHT]})
    found = measured(DisplayGrid.open(document), two)["recapture_screen"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "screen_grid_found")
    assert measured(DisplayGrid.open(document), card)["recapture_screen"].outcome is Outcome.PASS


def test_a_card_smaller_than_a_tile_is_not_assessed(document: DocumentType, card: CardCaptures) -> None:
    small = {
        role: replace(view, homography=np.diag([3.0, 3.0, 1.0])) for role, view in card.views.items()
    }  # 3 pixels per millimetre: the card is 162 pixels high
    found = measured(DisplayGrid.open(document), replace(card, views=small))["recapture_screen"]
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_too_small_for_recapture_check")
