"""Light does what physics says, checked against numbers worked out by hand."""

import numpy as np
import pytest

from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.light import Lamp, Room, diffraction, gloss, irradiance

HERE = np.zeros((1, 3))
ABOVE = np.array([0.0, 0.0, -300.0])


def lamp(x: float, y: float = 0.0, z: float = -1000.0, radius: float = 0.02) -> Lamp:
    return Lamp(np.array([x, y, z]), np.ones(3), radius)


def room(*lamps: Lamp, ambient: float = 0.0) -> Room:
    return Room(lamps, np.full(3, ambient))


def test_irradiance_falls_with_the_cosine_and_adds_up() -> None:
    slanted = irradiance(room(lamp(1000.0)), HERE)[0]
    assert slanted == pytest.approx([np.cos(np.radians(45))] * 3)
    both = irradiance(room(lamp(1000.0), lamp(0.0), ambient=0.25), HERE)[0]
    assert both == pytest.approx([np.cos(np.radians(45)) + 1.25] * 3)


def test_a_lamp_behind_the_card_gives_nothing() -> None:
    assert irradiance(room(lamp(0.0, z=500.0)), HERE).max() == 0


def test_gloss_is_brightest_at_the_mirror_angle() -> None:
    seen_from = [np.array([x, 0.0, -300.0]) for x in (-300.0, -150.0, 0.0, 150.0)]
    shine = [gloss(room(lamp(1000.0)), HERE, viewer, 0.06)[0, 0] for viewer in seen_from]
    assert int(np.argmax(shine)) == 0  # 45° on one side, 45° on the other
    assert shine[0] > 50 * shine[2]


@pytest.mark.parametrize(("wavelength_um", "channel"), [(0.45, 2), (0.54, 1), (0.63, 0)])
def test_the_grating_equation_gives_the_colour(wavelength_um: float, channel: int) -> None:
    """First order, viewer above: d · sin(angle of the lamp) is the wavelength."""
    sine = wavelength_um / 0.9
    source = lamp(1000 * sine, z=-1000 * np.sqrt(1 - sine**2))
    colour = diffraction(room(source), HERE, ABOVE, period_um=0.9, direction_deg=0.0, spread=0.1)[0]
    assert int(np.argmax(colour)) == channel
    assert colour[channel] > 2 * np.sort(colour)[1]


def test_a_grating_turned_by_a_right_angle_sends_it_elsewhere() -> None:
    source = lamp(600.0, z=-800.0)
    along, across = (diffraction(room(source), HERE, ABOVE, 0.9, angle, 0.1)[0].max() for angle in (0.0, 90.0))
    assert along > 100 * across


def test_colours_of_the_spectrum_make_white() -> None:
    """A lamp so large that every wavelength is sent: no channel stands out."""
    colour = diffraction(room(lamp(600.0, z=-800.0, radius=1.5)), HERE, ABOVE, 0.9, 0.0, 0.1)[0]
    assert colour.max() < 1.5 * colour.min()


def test_rooms_differ_and_give_about_one_unit_of_light() -> None:
    rooms = [Room.draw(Draws(np.random.default_rng(seed))) for seed in range(20)]
    assert len({r.illuminant().round(6).tobytes() for r in rooms}) == 20
    assert all(0.8 < r.illuminant()[1] < 1.2 for r in rooms)


def test_tuning_and_test_never_draw_the_same_value() -> None:
    values = {
        split: np.array([Draws(np.random.default_rng(seed), split).uniform(3, 11) for seed in range(400)])
        for split in Split
    }
    cells = {split: set(np.floor(value - 3).astype(int)) for split, value in values.items()}
    assert cells[Split.TUNING] == {0, 2, 4, 6}
    assert cells[Split.TEST] == {1, 3, 5, 7}
    assert cells[Split.ANY] == set(range(8))


def test_every_person_and_artwork_is_in_one_split() -> None:
    people = [f"Person_{i}" for i in range(200)]
    tuning, test = ({p for p in people if split.holds(p)} for split in (Split.TUNING, Split.TEST))
    assert not tuning & test
    assert tuning | test == set(people)
    assert 60 < len(test) < 140
    assert not set(Split.TUNING.seeds(12)) & set(Split.TEST.seeds(12))
    assert set(Split.ANY.seeds(12)) == set(Split.TUNING.seeds(12)) | set(Split.TEST.seeds(12))
