"""The locator against the corners that the renderer knows."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy, Role
from idproof.pipeline.card.locating.features import Features, FeatureSearch
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardCutOff, CardNotFound, CardTooSmall, SeveralCards
from idproof.pipeline.types import CARD_ROLES

POLICY = Policy()
NAMES = dict(zip(CARD_ROLES, ("front", "tilt_left", "tilt_right"), strict=True))


def pixels(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("role", CARD_ROLES)
def test_corners_are_found_to_a_pixel(
    locator: CardLocator, registration: Registration, document: DocumentType, role: Role
) -> None:
    view = locator.locate(pixels(registration.pictures[f"{NAMES[role]}.jpg"]), role, POLICY)
    truth = np.array(registration.description["truth"]["corners"][NAMES[role]])
    assert np.linalg.norm(corners(view, document) - truth, axis=1).max() < 1.0
    assert view.reprojection_px < 1.0


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_the_card_is_found_at_any_roll(locator: CardLocator, registration: Registration, quarter_turns: int) -> None:
    upright = pixels(registration.pictures["front.jpg"])
    turned = np.ascontiguousarray(np.rot90(upright, quarter_turns))
    one, other = (locator.rectify(image, locator.locate(image, Role.CARD_FRONT, POLICY)) for image in (upright, turned))
    assert np.abs(one.astype(int) - other).mean() < 4


def test_a_cut_off_card_is_distinguished_from_no_card(locator: CardLocator, registration: Registration) -> None:
    image = pixels(registration.pictures["front.jpg"])
    corner = np.array(registration.description["truth"]["corners"]["front"])
    cut = np.ascontiguousarray(image[:, : int(corner[:, 0].max()) - 120])
    with pytest.raises(CardCutOff, match="cut off"):
        locator.locate(cut, Role.CARD_FRONT, POLICY)
    with pytest.raises(CardNotFound, match="No card"):
        locator.locate(np.full_like(image, 128), Role.CARD_FRONT, POLICY)


def test_a_small_card_is_refused_with_the_hint_to_come_closer(locator: CardLocator, registration: Registration) -> None:
    image = Image.fromarray(pixels(registration.pictures["front.jpg"]))
    small = np.array(image.resize((image.width // 2, image.height // 2)))
    with pytest.raises(CardTooSmall, match="closer"):
        locator.locate(small, Role.CARD_FRONT, POLICY)


def test_a_mirrored_card_is_not_found(locator: CardLocator, registration: Registration) -> None:
    mirrored = np.ascontiguousarray(pixels(registration.pictures["front.jpg"])[:, ::-1])
    with pytest.raises(CardNotFound):
        locator.locate(mirrored, Role.CARD_FRONT, POLICY)


def test_two_cards_in_one_picture_are_refused(locator: CardLocator, registration: Registration) -> None:
    image = pixels(registration.pictures["front.jpg"])
    with pytest.raises(SeveralCards):
        locator.locate(np.vstack([image, image]), Role.CARD_FRONT, POLICY)


@pytest.fixture(scope="module")
def front(registration: Registration) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(registration.pictures["front.jpg"])).convert("RGB"))


def error_px(locator: CardLocator, front: np.ndarray, registration: Registration) -> float:
    truth = np.array(registration.description["truth"]["corners"]["front"])
    found = locator.locate(front, Role.CARD_FRONT, Policy())
    return float(np.linalg.norm(corners(found, locator.document) - truth, axis=1).max())


def blind(search: FeatureSearch) -> FeatureSearch:
    """A search that finds no features."""
    nothing = Features(np.empty((0, 2)), np.empty((0, search.anchors.descriptors.shape[1]), np.float32))
    return replace(search, method=replace(search.method, detect=lambda _: nothing))


def test_quick_features_are_enough_for_an_ordinary_capture(
    locator: CardLocator, front: np.ndarray, registration: Registration
) -> None:
    assert error_px(replace(locator, thorough=blind(locator.thorough)), front, registration) < 0.7


def test_thorough_features_find_a_card_that_quick_ones_miss(
    locator: CardLocator, front: np.ndarray, registration: Registration
) -> None:
    assert error_px(replace(locator, quick=blind(locator.quick)), front, registration) < 0.7


def test_a_card_is_not_found_without_any_features(locator: CardLocator, front: np.ndarray) -> None:
    neither = replace(locator, quick=blind(locator.quick), thorough=blind(locator.thorough))
    with pytest.raises(CardNotFound):
        neither.locate(front, Role.CARD_FRONT, POLICY)
