"""The check of the card's corners and proportions."""

import cv2
import numpy as np
import pytest
from card_checks import failed_input, located, measured

from idproof.pipeline.card.checks.outline import Outline
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView, mm_from_pixels
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome, Role, Status

FRONT = Role.CARD_FRONT


def flat(
    document: DocumentType, radius_mm: float, ground: int | tuple[int, int, int], stretch: float = 1.0
) -> CardCaptures:
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


def test_an_outline_of_the_grounds_colour_is_not_assessed(document: DocumentType) -> None:
    found = measured(Outline.open(document), flat(document, 3.18, (170, 190, 180)))
    assert len(found) == 2
    assert {(r.status, r.reason) for r in found.values()} == {(Status.COULD_NOT_ASSESS, "outline_not_seen")}


def test_a_radius_that_the_standard_allows_passes(document: DocumentType) -> None:
    for radius in (2.88, 3.48):
        found = measured(Outline.open(document), flat(document, radius, 60))["card_corners"]
        assert found.outcome is Outcome.PASS, radius


def printed(document: DocumentType, radius_mm: float, ground: float) -> CardCaptures:
    """The type's print on a card of this radius, with a sensor's noise, on a ground of this grey level."""
    plain = flat(document, radius_mm, 0)
    image, view = plain.images[FRONT], plain.views[FRONT]
    template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
    shown = cv2.warpPerspective(
        template, view.homography @ mm_from_pixels(document.px_per_mm), view.size, borderMode=cv2.BORDER_REPLICATE
    )
    scene = np.where(image > 0, shown[..., None].astype(np.float32), ground)
    noisy = cv2.GaussianBlur(scene, (0, 0), 0.8) + np.random.default_rng(3).normal(0, 3, scene.shape)
    return CardCaptures({FRONT: noisy.clip(0, 255).astype(np.uint8)}, {}, plain.views)


def test_print_that_stands_out_more_than_the_edge_is_not_taken_for_the_edge(document: DocumentType) -> None:
    check = Outline.open(document)
    paper = float(np.median(cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)))
    for lighter in (12, 20, 35):
        found = measured(check, printed(document, 3.18, paper + lighter))
        assert {r.outcome for r in found.values()} == {Outcome.PASS}, lighter
        assert found["card_corners"].value == pytest.approx(3.18, abs=0.15)
        cut = measured(check, printed(document, 0.0, paper + lighter))["card_corners"]
        assert cut.reason == "corners_not_rounded_as_issued", lighter


def test_a_print_on_a_ground_of_its_own_colour_does_not_fail(document: DocumentType) -> None:
    paper = float(np.median(cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)))
    for lighter in (-2, 0, 2):
        found = measured(Outline.open(document), printed(document, 3.18, paper + lighter))
        assert Outcome.FAIL not in {r.outcome for r in found.values()}, lighter


@pytest.mark.parametrize("folder", ["white1", "white2", "white3_textured"])
def test_a_card_on_a_white_table_does_not_fail(folder: str, locator: CardLocator) -> None:
    found = measured(Outline.open(locator.document), located(locator, failed_input(folder)))
    assert found["card_corners"].outcome is Outcome.PASS
    assert found["card_aspect"].outcome is Outcome.PASS or found["card_aspect"].reason == "outline_not_seen"
