"""The card found, measured and compared, against what the renderer knows."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.camera import Camera, Pose, homography
from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy, Role
from idproof.pipeline.card import angles, same
from idproof.pipeline.card.locate import CardLocator
from idproof.pipeline.card.view import CardView, corners
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardNotFound, SeveralCards
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
    with pytest.raises(CardNotFound, match="cut off"):
        locator.locate(cut, Role.CARD_FRONT, POLICY)
    with pytest.raises(CardNotFound, match="No card"):
        locator.locate(np.full_like(image, 128), Role.CARD_FRONT, POLICY)


def test_a_small_card_asks_to_come_closer(locator: CardLocator, registration: Registration) -> None:
    image = Image.fromarray(pixels(registration.pictures["front.jpg"]))
    small = np.array(image.resize((image.width // 2, image.height // 2)))
    with pytest.raises(CardNotFound, match="closer"):
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
    camera = Camera(focal_px=focal, blur_px=1, noise=1, white=(1, 1, 1), quality=90)
    poses = [Pose(turn, 4.0, -3.0, (0.01, 0.02), 0.55) for turn in turns]
    return {
        role: CardView(homography(document, camera, pose), (1920, 1080), 100, 0.5, 12.0)
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


def test_captures_of_different_cards_do_not_agree(
    locator: CardLocator, document: DocumentType, other_card: Callable[[int], Registration]
) -> None:
    rectified = {}
    for role, index in zip(CARD_ROLES, (0, 1, 0), strict=True):
        image = pixels(other_card(index).pictures[f"{NAMES[role]}.jpg"])
        rectified[role] = locator.rectify(image, locator.locate(image, role, POLICY))
    mixed = same.check(rectified, document, POLICY)
    assert (mixed.outcome, mixed.reason) == (Outcome.FAIL, "cards_differ")
