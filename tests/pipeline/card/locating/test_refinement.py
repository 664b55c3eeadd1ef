"""Refinement of a first estimate by following the static print."""

import cv2
import numpy as np
import pytest

from idproof.pipeline import Role
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.locating.refinement import RefinedPlace, StaticPrint
from idproof.pipeline.documents import DocumentType

FRONT = Role.CARD_FRONT


def test_an_estimate_that_is_some_pixels_off_is_refined(
    locator: CardLocator, card: CardCaptures, document: DocumentType
) -> None:
    s = document.px_per_mm
    true = card.views[FRONT].homography @ np.linalg.inv(np.array([[s, 0, -0.5], [0, s, -0.5], [0, 0, 1]]))
    off = np.array([[1.004, 0.002, 5.0], [-0.003, 0.997, -6.0], [0, 0, 1]]) @ true
    grey = cv2.cvtColor(card.images[FRONT], cv2.COLOR_RGB2GRAY)
    refined = locator.print.refine(grey, off)
    assert refined is not None
    assert refined.share > 0.6
    ends = np.array([[[0.0, 0.0], [1000.0, 0.0], [1000.0, 600.0]]])
    apart = cv2.perspectiveTransform(ends, refined.homography) - cv2.perspectiveTransform(ends, true)
    assert np.abs(apart).max() < 0.3


def test_a_scene_without_the_card_is_not_refined(locator: CardLocator) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (1080, 1920), dtype=np.uint8)
    refined = locator.print.refine(noise, np.array([[1.0, 0, 300], [0, 1.0, 200], [0, 0, 1]]))
    assert refined is None or refined.share < 0.3


@pytest.mark.parametrize(
    ("counts", "best"),
    [((200, 280, 320, 390), 390), ((200, 390), 390), ((200, 300, 300), 300), ((200, 300, None), 300)],
)
def test_the_print_is_followed_until_no_more_of_it_agrees(
    counts: tuple[int | None, ...], best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimate that is off at one corner comes closer with each pass."""
    passes = iter([count and RefinedPlace(np.eye(3), count, count / 400, np.zeros(count)) for count in counts])
    monkeypatch.setattr(StaticPrint, "_follow", lambda *_: next(passes))
    static = StaticPrint(np.zeros((1, 1), np.uint8), np.zeros((400, 2), np.float32))
    refined = static.refine(np.zeros((1, 1), np.uint8), np.eye(3))
    assert refined is not None
    assert refined.matches == best
    assert next(passes, None) is None
