"""The check of the card's corners and proportions."""

import cv2
import numpy as np
import pytest
from card_checks import measured

from idproof.pipeline.card.checks.outline import Outline
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role, Status

FRONT = Role.CARD_FRONT


def flat(document: DocumentType, radius_mm: float, ground: int, stretch: float = 1.0) -> CardCaptures:
    """A plain card of this radius, seen face on before a plain ground; drawn `stretch` times too wide."""
    s, left, top = 14.0, 200, 150
    image = np.full((1080, 1920, 3), ground, dtype=np.uint8)
    width, height = round(document.width_mm * s * stretch), round(document.height_mm * s)
    r = round(radius_mm * s)
    for a, b in (((r, 0), (width - r, height)), ((0, r), (width, height - r))):
        cv2.rectangle(image, (left + a[0], top + a[1]), (left + b[0], top + b[1]), (170, 190, 180), -1)
    for x in (left + r, left + width - r):
        for y in (top + r, top + height - r):
            cv2.circle(image, (x, y), r, (170, 190, 180), -1)
    homography = np.array([[s, 0, left], [0, s, top], [0, 0, 1.0]])
    return CardCaptures({FRONT: image}, {}, {FRONT: CardView(homography, (1920, 1080), 100, 0.2, s)})


@pytest.mark.parametrize("radius", [1.5, 3.18, 4.5])
def test_the_corners_radius_is_measured(document: DocumentType, radius: float) -> None:
    found = measured(Outline.open(document), flat(document, radius, 60))["card_corners"]
    assert found.value == pytest.approx(radius, abs=0.15)


def test_square_corners_fail(document: DocumentType) -> None:
    found = measured(Outline.open(document), flat(document, 0.0, 60))["card_corners"]
    assert found.reason == "corners_not_rounded_as_issued"


def test_other_proportions_fail(document: DocumentType) -> None:
    found = measured(Outline.open(document), flat(document, 3.18, 60, stretch=0.99))["card_aspect"]
    assert found.reason == "outline_of_other_proportions"
    assert found.value == pytest.approx(0.99, abs=0.003)


def test_an_outline_that_does_not_stand_out_is_not_assessed(document: DocumentType) -> None:
    found = measured(Outline.open(document), flat(document, 3.18, 180))
    assert len(found) == 2
    assert {(r.status, r.reason) for r in found.values()} == {(Status.COULD_NOT_ASSESS, "outline_not_seen")}
