"""Locating the card at the tilts and rolls of a hand, on a heap of papers and with a thumb on it."""

import numpy as np
import pytest

from idproof.datasets.specimen import backgrounds
from idproof.datasets.specimen import camera as cameras
from idproof.datasets.specimen.camera import Camera, Scene
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.hand import Hand
from idproof.datasets.specimen.identity import invent
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.view import HEIGHT, WIDTH, Lens, Pose, View
from idproof.pipeline import Policy, Role
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import DocumentType

CAMERA = Camera(Lens(1600.0, (8.0, -5.0)), blur_px=0.7, noise=3.0, vignette=0.2, exposure=0.8)


@pytest.fixture(scope="module")
def card(document: DocumentType) -> Card:
    portrait = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return Card(document, 3, invent(np.random.default_rng(5)), portrait)


@pytest.fixture(scope="module")
def locator(document: DocumentType) -> CardLocator:
    return CardLocator.open(document)


@pytest.mark.parametrize(
    ("turn", "pitch", "roll", "share"),
    [
        (45.0, 0.0, 0.0, 0.55),
        (-45.0, 0.0, 20.0, 0.50),
        (0.0, 45.0, -30.0, 0.47),
        (30.0, 25.0, 75.0, 0.44),
        (10.0, 5.0, 135.0, 0.44),
        (0.0, 0.0, 180.0, 0.50),
    ],
)
def test_a_far_tilted_card_is_found_to_two_pixels(
    card: Card, locator: CardLocator, document: DocumentType, turn: float, pitch: float, roll: float, share: float
) -> None:
    rng = np.random.default_rng(11)
    papers = backgrounds._papers(rng, WIDTH // 2, HEIGHT // 2).repeat(2, axis=0).repeat(2, axis=1)
    hand = Hand("right", 0.6, 2.5, 16.0, (0.4, 0.26, 0.19))
    before = Scene(Room.draw(Draws(rng)), papers, 0.3, hand, (0.4, 1.0))
    view = View(document, CAMERA.lens, Pose(turn, pitch, roll, (0.01, -0.01), share))
    shot = cameras.photograph(card.material(view), view, before, CAMERA, rng)
    found = locator.locate(shot.pixels, Role.CARD_FRONT, Policy())
    assert np.linalg.norm(corners(found, document) - shot.corners, axis=1).max() < 2.0
