"""The card found, measured and compared, against what the renderer knows."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline import Policy, Role
from idproof.pipeline.card.checks import angles, same_card
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView, corners
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardCutOff, CardNotFound, CardTooSmall, SeveralCards
from idproof.pipeline.types import CARD_ROLES, Outcome

POLICY = Policy()
NAMES = dict(zip(CARD_ROLES, ("front", "tilt_left", "tilt_right"), strict=True))


def pixels(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture(scope="module")
def locator(document: DocumentType) -> CardLocator:
    return CardLocator.open(document)


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


def test_a_cut_off_card_is_told_from_no_card(locator: CardLocator, registration: Registration) -> None:
    image = pixels(registration.pictures["front.jpg"])
    corner = np.array(registration.description["truth"]["corners"]["front"])
    cut = np.ascontiguousarray(image[:, : int(corner[:, 0].max()) - 120])
    with pytest.raises(CardCutOff, match="cut off"):
        locator.locate(cut, Role.CARD_FRONT, POLICY)
    with pytest.raises(CardNotFound, match="No card"):
        locator.locate(np.full_like(image, 128), Role.CARD_FRONT, POLICY)


def test_a_small_card_asks_to_come_closer(locator: CardLocator, registration: Registration) -> None:
    image = Image.fromarray(pixels(registration.pictures["front.jpg"]))
    small = np.array(image.resize((image.width // 2, image.height // 2)))
    with pytest.raises(CardTooSmall, match="closer"):
        locator.locate(small, Role.CARD_FRONT, POLICY)


def test_a_mirrored_card_is_no_card(locator: CardLocator, registration: Registration) -> None:
    mirrored = np.ascontiguousarray(pixels(registration.pictures["front.jpg"])[:, ::-1])
    with pytest.raises(CardNotFound):
        locator.locate(mirrored, Role.CARD_FRONT, POLICY)


def test_two_cards_in_one_picture(locator: CardLocator, registration: Registration) -> None:
    image = pixels(registration.pictures["front.jpg"])
    with pytest.raises(SeveralCards):
        locator.locate(np.vstack([image, image]), Role.CARD_FRONT, POLICY)


def views(document: DocumentType, focal: float, *turns: float) -> dict[Role, CardView]:
    """Exact views of a card turned by these angles."""
    poses = [Pose(turn, 4.0, -3.0, (0.01, 0.02), 0.55) for turn in turns]
    return {
        role: CardView(View(document, Lens(focal), pose).homography, (1920, 1080), 100, 0.5, 12.0)
        for role, pose in zip(CARD_ROLES, poses, strict=True)
    }


@pytest.mark.parametrize("focal", [1300.0, 1700.0, 2100.0])
def test_turns_are_measured_without_knowing_the_camera(document: DocumentType, focal: float) -> None:
    found = angles.turns_deg(views(document, focal, 2.0, 24.0, -27.0))
    assert list(found.values()) == pytest.approx([2.0, 24.0, -27.0], abs=1.5)


@pytest.mark.parametrize(
    ("turns", "outcome", "reason"),
    [
        ((0.0, 22.0, -22.0), Outcome.PASS, None),
        ((0.0, 1.0, -1.0), Outcome.FAIL, "angles_not_distinct"),
        ((0.0, 22.0, 21.0), Outcome.FAIL, "angles_not_distinct"),
        ((0.0, -22.0, 22.0), Outcome.DOUBT, "angles_not_as_instructed"),
        ((0.0, 22.0, -9.5), Outcome.DOUBT, "angles_not_as_instructed"),
        ((16.0, 35.0, -22.0), Outcome.DOUBT, "angles_not_as_instructed"),
    ],
)
def test_angles_must_differ_as_instructed(
    document: DocumentType, turns: tuple[float, ...], outcome: Outcome, reason: str | None
) -> None:
    found = angles.check(views(document, 1600.0, *turns), POLICY)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize("focal", [1300.0, 1700.0, 2100.0])
def test_true_views_are_those_of_one_card_and_camera(document: DocumentType, focal: float) -> None:
    found = angles.rigid(views(document, focal, 2.0, 24.0, -27.0), POLICY)
    assert found.outcome is Outcome.PASS
    assert found.value < 0.001


@pytest.mark.parametrize("stretch", [(1.08, 1.0), (1.0, 1.1)])
def test_a_card_of_other_proportions_is_not(document: DocumentType, stretch: tuple[float, float]) -> None:
    """As a print or a picture on a screen is, when it was drawn too wide or too high."""
    wrong = {
        role: replace(view, homography=view.homography @ np.diag([*stretch, 1.0]))
        for role, view in views(document, 1600.0, 2.0, 24.0, -27.0).items()
    }
    found = angles.rigid(wrong, POLICY)
    assert (found.outcome, found.reason) == (Outcome.FAIL, "views_not_of_one_card_and_camera")


def test_a_picture_with_its_own_perspective_is_not(document: DocumentType) -> None:
    """One capture is warped as no camera would: its corners pulled apart."""
    three = views(document, 1600.0, 2.0, 24.0, -27.0)
    pulled = three[Role.CARD_FRONT].homography @ np.array([[1, 0, 0], [0, 1, 0], [2e-3, 2e-3, 1]])
    three[Role.CARD_FRONT] = replace(three[Role.CARD_FRONT], homography=pulled / pulled[2, 2])
    assert angles.rigid(three, POLICY).outcome is Outcome.FAIL


def test_captures_of_different_cards_do_not_agree(
    locator: CardLocator, document: DocumentType, other_card: Callable[[int], Registration]
) -> None:
    rectified = {}
    for role, index in zip(CARD_ROLES, (0, 1, 0), strict=True):
        image = pixels(other_card(index).pictures[f"{NAMES[role]}.jpg"])
        rectified[role] = locator.rectify(image, locator.locate(image, role, POLICY))
    mixed = same_card.check(rectified, document, POLICY)
    assert (mixed.outcome, mixed.reason) == (Outcome.FAIL, "cards_differ")
