"""Sharpness of the static print is relative to the template, and has a direction."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.make import Registration
from idproof.models.types import RGBImage
from idproof.pipeline import Policy, Verifier
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.sharpness import PrintSharpness
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role


@pytest.fixture(scope="module")
def straight(registration: Registration, document: DocumentType, verifier: Verifier) -> RGBImage:
    picture = cv2.imdecode(np.frombuffer(registration.pictures["front.jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
    locator, image = CardLocator.open(document), np.asarray(picture, dtype=np.uint8)
    return locator.rectify(image, locator.locate(image, Role.CARD_FRONT, Policy()))


def test_light_and_contrast_leave_it_as_it_is_and_blur_lowers_it(straight: RGBImage, document: DocumentType) -> None:
    meter = PrintSharpness.open(document)
    sharp = meter.measure(straight).least
    assert -1.3 < sharp < 0.1
    dim = np.asarray(straight * 0.5 + 20, dtype=np.uint8)
    assert meter.measure(dim).least == pytest.approx(sharp, abs=0.05)
    blurred = [meter.measure(np.asarray(cv2.GaussianBlur(straight, (0, 0), s), np.uint8)).least for s in (1, 2, 3)]
    assert sorted([*blurred, sharp], reverse=True) == [sharp, *blurred]
    assert blurred[1] < sharp - 0.7


def test_a_movement_shows_in_the_direction_across_its_lines(straight: RGBImage, document: DocumentType) -> None:
    meter = PrintSharpness.open(document)
    whole = meter.measure(straight)
    along = meter.measure(np.asarray(cv2.blur(straight, (9, 1)), dtype=np.uint8))
    assert along.across < whole.across - 1
    assert along.down > along.across + 1
