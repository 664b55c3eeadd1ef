"""A screen's light follows from its area, luminance and distance, and a mirror shows it where the rays meet it."""

import numpy as np
import pytest

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.material import Material, card_outline
from idproof.datasets.specimen.screen_light import Screen, ScreenLight
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import DocumentType

WHITE = np.ones((2, 3))
LEFT_ONLY = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
FACING = np.array([0.0, 0.0, -1.0])
KIOSK = Screen(336.0, 598.0, 25.0, 300.0)


def view(document: DocumentType, turn: float = 0.0, pitch: float = 0.0, distance: float = 130.0) -> View:
    return View(document, Lens(distance * 0.55 * 480 / 85.6), Pose(turn, pitch, 0, (0, 0), 0.55), (480, 270))


def test_far_away_it_is_a_small_lamp() -> None:
    small = Screen(100.0, 100.0, -50.0, 400.0)
    found = small.irradiance(np.array([[0.0, 0.0, 3000.0]]), FACING, WHITE)
    assert found[0] == pytest.approx(400 * 0.01 / 9, rel=0.01)


def test_a_wide_screen_close_by_gives_a_half_of_all_light() -> None:
    """The form factor of a half plane seen from its edge is a half, so that a screen gives pi · L / 2."""
    wide = Screen(40_000.0, 20_000.0, 0.0, 100.0)
    patches = wide.irradiance(np.array([[0.0, 0.0, 3000.0]]), FACING, WHITE)
    assert patches[0, 0] == pytest.approx(100 * np.pi / 2, rel=0.06)


def test_each_half_lights_its_own_side_more() -> None:
    points = np.array([[-30.0, 0.0, 130.0], [30.0, 0.0, 130.0]])
    found = KIOSK.irradiance(points, FACING, LEFT_ONLY)[:, 1]
    assert found[1] > 1.3 * found[0] > 0, "the person's left is the picture's right"


def test_light_is_a_multiple_of_the_room(document: DocumentType) -> None:
    lights = [ScreenLight(KIOSK, view(document), WHITE, lux) for lux in (100.0, 1000.0)]
    assert np.allclose(lights[0].on(document), 10 * lights[1].on(document), rtol=1e-4)
    assert lights[0].on(document).mean() == pytest.approx(lights[0].share[1], rel=0.1)


def test_a_mirror_that_faces_the_camera_shows_the_screen_below_it_in_its_lower_part(document: DocumentType) -> None:
    seen = KIOSK.mirrored(view(document), LEFT_ONLY, 0.0)[..., 1]
    assert seen[:100].max() < 1, "above the camera there is no screen"
    assert seen[190, 300:330].min() > 250, "the left half, on the picture's right"
    assert seen[190, 150:200].max() < 50


def test_a_mirror_that_is_turned_aside_shows_none_of_a_narrow_screen(document: DocumentType) -> None:
    tablet = Screen(160.0, 215.0, 10.0, 400.0)
    turned, facing = (tablet.mirrored(view(document, turn=turn), WHITE, 0.0)[100:180, 150:330] for turn in (28.0, 0.0))
    assert turned.max() < 1
    assert facing.max() > 350


def test_a_rough_mirror_blurs_it(document: DocumentType) -> None:
    sharp, rough = (KIOSK.mirrored(view(document), LEFT_ONLY, width)[200, :, 1] for width in (0.0, 0.1))
    assert np.abs(np.diff(rough)).max() < 0.5 * np.abs(np.diff(sharp)).max()


def test_a_material_mirrors_besides_what_it_shows(document: DocumentType) -> None:
    outline = card_outline(document)
    black, light = np.zeros((*outline.shape, 3), np.uint8), np.full((270, 480, 3), 0.2, np.float32)
    shining = Material(black, outline, emission=lambda view: light)
    place = view(document)
    emitted = ScreenLight(KIOSK, place, WHITE, 300.0).mirrored_by(shining, 0.04, 0.02).emission
    assert emitted is not None
    found = emitted(place)
    assert found.min() == pytest.approx(0.2, abs=1e-4)
    assert found.max() == pytest.approx(0.2 + 0.04 * np.pi, rel=0.05), "300 cd/m² before paper under 300 lux"


def test_screens_are_drawn_from_the_cells_of_their_split() -> None:
    screens = [Screen.draw(Draws(np.random.default_rng(seed))) for seed in range(40)]
    assert all(150 <= screen.nits <= 500 for screen in screens)
    assert len({screen.width_mm for screen in screens}) == 4
