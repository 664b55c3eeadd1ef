"""Quick features find nearly every card; what they miss, thorough ones find; the print settles both alike."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy, Role
from idproof.pipeline.card.locating import features
from idproof.pipeline.card.locating.features import Features, Kind
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.locating.refinement import Settled, StaticPrint
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import DocumentType

BLIND = Kind(lambda _: Features(np.empty((0, 2)), np.empty((0, 256), np.float32)), features.QUICK.anchors, ratio=0.85)


@pytest.fixture(scope="module")
def locator(document: DocumentType) -> CardLocator:
    return CardLocator.open(document)


@pytest.fixture(scope="module")
def front(registration: Registration) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(registration.pictures["front.jpg"])).convert("RGB"))


def error_px(locator: CardLocator, front: np.ndarray, registration: Registration) -> float:
    truth = np.array(registration.description["truth"]["corners"]["front"])
    found = locator.locate(front, Role.CARD_FRONT, Policy())
    return float(np.linalg.norm(corners(found, locator.document) - truth, axis=1).max())


def test_quick_features_are_enough_for_an_ordinary_capture(
    locator: CardLocator, front: np.ndarray, registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Kind(BLIND.find, features.THOROUGH.anchors, ratio=0.64)
    monkeypatch.setattr("idproof.pipeline.card.locating.locator.THOROUGH", blind)
    assert error_px(locator, front, registration) < 0.7


def test_what_quick_features_miss_thorough_ones_find(
    locator: CardLocator, front: np.ndarray, registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idproof.pipeline.card.locating.locator.QUICK", BLIND)
    assert error_px(locator, front, registration) < 0.7


def test_the_print_settles_an_estimate_that_is_some_pixels_off(
    locator: CardLocator, front: np.ndarray, document: DocumentType
) -> None:
    view = locator.locate(front, Role.CARD_FRONT, Policy())
    s = document.px_per_mm
    true = view.homography @ np.linalg.inv(np.array([[s, 0, -0.5], [0, s, -0.5], [0, 0, 1]]))
    off = np.array([[1.004, 0.002, 5.0], [-0.003, 0.997, -6.0], [0, 0, 1]]) @ true
    grey = cv2.cvtColor(front, cv2.COLOR_RGB2GRAY)
    settled = locator.print.settle(grey, off)
    assert settled is not None
    assert settled.share > 0.6
    ends = np.array([[[0.0, 0.0], [1000.0, 0.0], [1000.0, 600.0]]])
    apart = cv2.perspectiveTransform(ends, settled.homography) - cv2.perspectiveTransform(ends, true)
    assert np.abs(apart).max() < 0.3


def test_a_scene_without_the_card_does_not_settle(locator: CardLocator, document: DocumentType) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (1080, 1920), dtype=np.uint8)
    settled = locator.print.settle(noise, np.array([[1.0, 0, 300], [0, 1.0, 200], [0, 0, 1]]))
    assert settled is None or settled.share < 0.3


def test_matches_are_those_that_a_plain_search_finds() -> None:
    rng = np.random.default_rng(5)
    anchors, scene = (
        Features(rng.uniform(0, 100, (n, 2)), rng.normal(0, 1, (n, 16)).astype(np.float32)) for n in (60, 80)
    )
    apart = np.linalg.norm(scene.descriptors[:, None] - anchors.descriptors[None], axis=2) ** 2
    two = np.sort(apart, axis=1)[:, :2]
    clear = two[:, 0] < features.QUICK.ratio * two[:, 1]
    found = features.match(anchors, scene, features.QUICK)
    assert clear.sum() > 5
    np.testing.assert_array_equal(found.scene, scene.points[clear])
    np.testing.assert_array_equal(found.anchors, anchors.points[apart.argmin(axis=1)[clear]])


@pytest.mark.parametrize(
    ("counts", "kept"),
    [((200, 280, 320, 390), 390), ((200, 390), 390), ((200, 300, 300), 300), ((200, 300, None), 300)],
)
def test_the_print_is_followed_until_no_more_of_it_agrees(
    counts: tuple[int | None, ...], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first estimate that is off at one corner comes closer with each pass."""
    told = iter([count and Settled(np.eye(3), count, count / 400, np.zeros(count)) for count in counts])
    monkeypatch.setattr(StaticPrint, "_follow", lambda *_: next(told))
    printed = StaticPrint(np.zeros((1, 1), np.uint8), np.zeros((400, 1, 2), np.float32))
    settled = printed.settle(np.zeros((1, 1), np.uint8), np.eye(3))
    assert settled is not None
    assert settled.agree == kept
    assert next(told, None) is None
