"""Light that is looked up around a card: irradiance, mirror images and gratings against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.environment import Environment, Source
from idproof.datasets.specimen.formations.grating_lookup import diffracted
from idproof.datasets.specimen.formations.laminate import Laminate
from idproof.datasets.specimen.formations.photographs import scene
from idproof.datasets.specimen.formations.shading import Place, shaded
from idproof.datasets.specimen.material import Coat, Foil, Grating, Material, card_outline
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import DocumentType

UNIFORM = Environment(np.ones((128, 256, 3), np.float32), 1000.0)
DARK = Environment(np.full((128, 256, 3), 1e-6, np.float32), 1000.0)
FACING = np.array([[0, 0, -1]], np.float32)
ORIGIN = np.zeros((1, 3), np.float32)
EVEN = Laminate(1, waves=1e-6, texture=0.0, scratches=0, grease=0.0, haze=0.0, foil=0.1, hiding=0.5)


def view(document: DocumentType, turn: float = 0.0) -> View:
    return View(document, Lens(1600.0), Pose(turn, 0, 0, (0, 0), 0.55))


def test_equal_light_all_around_gives_an_irradiance_of_one() -> None:
    assert UNIFORM.irradiance(ORIGIN, FACING)[0] == pytest.approx([1, 1, 1], abs=0.02)
    aside = np.array([[0.6, 0.0, -0.8]], np.float32)
    assert UNIFORM.seen(ORIGIN, aside, 0.05)[0] == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_photographs_light_is_scaled_to_one_and_keeps_its_colour() -> None:
    photograph = np.full((60, 80, 3), (150, 90, 60), np.uint8)
    light = Environment.estimate(Draws(np.random.default_rng(3)), photograph)
    falling = light.irradiance(ORIGIN, FACING)[0]
    assert falling.mean() == pytest.approx(1, abs=0.05)
    assert falling[0] > falling[1] > falling[2]


def test_a_near_lamp_lights_by_the_inverse_square_and_the_cosine() -> None:
    lamp = Source(np.array([0.0, 0.0, -100.0]), np.array([1.0, 1.0, 1.0]), 0.05)
    points = np.array([[0, 0, 0], [100, 0, 0]], np.float32)
    middle, aside = DARK.with_source(lamp).irradiance(points, np.repeat(FACING, 2, axis=0))[:, 1]
    assert middle == pytest.approx(1, abs=1e-3)
    assert aside == pytest.approx(1 / 2 * np.cos(np.pi / 4), abs=1e-3)


def test_a_lamps_lobe_carries_its_irradiance() -> None:
    """The radiance of the lobe, integrated over directions, is what a facing sheet receives (times pi)."""
    lamp, radius = np.array([0.0, 0.0, -500.0]), 0.05
    light = DARK.with_source(Source(lamp, np.ones(3), radius))
    angles = np.linspace(0, 0.6, 2001)
    towards = np.stack([np.sin(angles), np.zeros_like(angles), -np.cos(angles)], axis=1).astype(np.float32)
    radiance = light.seen(np.zeros_like(towards), towards, 1e-3)[:, 1]
    received = np.trapezoid(radiance * np.cos(angles) * 2 * np.pi * np.sin(angles), angles) / np.pi
    assert received == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("period", [1.1, 1.5])
def test_a_grating_sends_each_wavelength_where_the_equation_says(period: float) -> None:
    """With one small lamp, the colour at the angle of a wavelength's first order is that wavelength's."""
    expected = {470: 2, 540: 1, 610: 0}
    for nm, strongest in expected.items():
        sine = nm / 1000 / period
        lamp = Source(1000 * np.array([sine, 0.0, -np.sqrt(1 - sine**2)]), np.ones(3), 0.01)
        viewer = np.array([[0, 0, -1]], np.float32)
        given = DARK.with_source(lamp), ORIGIN, viewer, Grating(period, 0.0), np.zeros((1, 2), np.float32)
        sent = diffracted(*given, 0.0, np.eye(3, dtype=np.float32))[0]
        assert int(sent.argmax()) == strongest
        assert sent.max() > 2 * np.sort(sent)[0]
        crossed = diffracted(*given[:3], Grating(period, 90.0), given[4], 0.0, np.eye(3, dtype=np.float32))[0]
        assert crossed.max() < 0.01 * sent.max()


def test_white_light_from_everywhere_has_no_rainbow() -> None:
    sent = diffracted(
        UNIFORM, ORIGIN, FACING, Grating(1.5, 0.0), np.zeros((1, 2), np.float32), 0.1, np.eye(3, dtype=np.float32)
    )[0]
    assert np.ptp(sent) < 0.2 * sent.mean()


def test_no_foil_sends_more_light_than_falls_on_it(document: DocumentType) -> None:
    shape = card_outline(document)
    box = next(region.box for region in document.regions if region.kind == "diffractive")
    zones = np.ones((round(box.height * SCALE), round(box.width * SCALE)), np.uint8)
    foil = Foil(box, zones, (Grating(1.5, 0.0),), strength=9.0, opacity=0.0, spread=0.1)
    black = Material(np.zeros((*shape.shape, 3), np.uint8), shape, foils=(foil,))
    light = shaded(black, Place.of(view(document), UNIFORM, None), replace(EVEN, foil=0.9))
    left, top, right, bottom = box.pixels(SCALE, pad_mm=-1.0)
    assert 0.2 < light[top:bottom, left:right].mean() < 0.75


def test_a_laminate_mirrors_a_lamp_at_the_mirror_angle_and_only_there(document: DocumentType) -> None:
    shape = card_outline(document)
    black = Material(np.zeros((*shape.shape, 3), np.uint8), shape, coats=(Coat(0.055, 0.02),))
    for turn, bright in ((25.0, True), (-25.0, False)):
        seen = view(document, turn)
        depth = float(seen.translation[2])
        # The mirror direction of the camera's axis, about the card's middle.
        away = np.radians(2 * 25.0)
        lamp = Source(depth * np.array([np.sin(away), 0.0, -np.cos(away)]), np.ones(3), 0.03)
        place = Place.of(seen, DARK.with_source(lamp), None)
        middle = shaded(black, place, EVEN)[500:580, 800:900].mean()
        assert bool(middle > 0.5) is bright


def test_the_place_of_a_lying_card_does_not_turn_with_the_camera(document: DocumentType) -> None:
    light = Environment.estimate(Draws(np.random.default_rng(5)), scene(Draws(np.random.default_rng(5))))
    front, turned = view(document), view(document, 25.0)
    lying = [Place.of(seen, light, front).irradiance_mean() for seen in (front, turned)]
    assert lying[0] == pytest.approx(lying[1], rel=1e-4)
    held = [Place.of(seen, light, None).irradiance_mean() for seen in (front, turned)]
    assert np.abs(held[0] - held[1]).max() > 0.01
