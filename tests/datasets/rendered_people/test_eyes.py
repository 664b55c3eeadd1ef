"""Eyes are found in a photograph, move between lids that stay, and close."""

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people import carriers
from idproof.datasets.rendered_people.eyes import Eyes, Look, looks
from idproof.datasets.rendered_people.surface import EYES, Pose
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage


@pytest.fixture(scope="module")
def photograph() -> RGBImage:
    picture = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return np.asarray(cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def test_irises_are_found_with_and_without_landmarks(photograph: RGBImage) -> None:
    landmarks = load_engines().detector.detect(photograph)[0].landmarks[:2]
    for eyes in (Eyes.of(photograph), Eyes.of(photograph, landmarks)):
        assert np.abs(np.array(eyes.irises) - landmarks).max() < 5


def test_a_turned_eye_moves_its_iris_and_neither_lids_nor_anything_else(photograph: RGBImage) -> None:
    eyes, carried = Eyes.of(photograph), carriers.enlarged(photograph)
    changed = np.abs(eyes.looking(carried, Look(20.0)) - eyes.looking(carried, Look())).max(axis=2)
    places = np.zeros_like(changed)
    for x, y in eyes.irises:
        cv2.ellipse(places, (round(2 * x), round(2 * y)), (36, 24), 0, 0, 360, 1, -1)
    assert changed[places > 0].max() > 0.05
    assert changed[places == 0].max() < 0.01  # `cv2.remap` knows thirty-seconds of a pixel


def test_an_eye_straight_ahead_is_as_photographed(photograph: RGBImage) -> None:
    carried = carriers.enlarged(photograph)
    assert np.abs(Eyes.of(photograph).looking(carried, Look()) - carried).max() < 1e-3


def test_a_closed_lid_covers_the_iris(photograph: RGBImage) -> None:
    eyes, carried = Eyes.of(photograph), carriers.enlarged(photograph)
    closed = eyes.looking(carried, Look(closed=1.0))
    for x, y in eyes.irises:
        iris = np.s_[round(2 * y) - 3 : round(2 * y) + 4, round(2 * x) - 3 : round(2 * x) + 4]
        lid = carried[round(2 * y) - 16 : round(2 * y) - 9, round(2 * x) - 3 : round(2 * x) + 4]
        assert abs(closed[iris].mean() - lid.mean()) < abs(carried[iris].mean() - lid.mean())


def test_eyes_turn_against_the_head_and_blink_now_and_then() -> None:
    poses = [Pose(), *(Pose(yaw, pitch) for yaw in np.linspace(-25, 25, 40) for pitch in (-10.0, 10.0))]
    found = looks(poses, Draws(np.random.default_rng(1), Split.TEST))
    turn = np.array([[pose.yaw, pose.pitch] for pose in poses])
    look = np.array([[entry.right_deg, entry.up_deg] for entry in found])
    for axis in (0, 1):
        assert np.polyfit(turn[:, axis], look[:, axis], 1)[0] == pytest.approx(-0.92, abs=0.12)
    assert 0 < sum(entry.closed > 0 for entry in found) < len(found) / 4


def test_a_face_at_the_edge_of_the_picture_is_no_error(photograph: RGBImage) -> None:
    eyes = Eyes.of(photograph, np.array([[-3.0, 2.0], [251.0, 249.0]]))
    assert eyes.looking(carriers.enlarged(photograph), Look(20.0, 5.0, 0.5)).shape == (500, 500, 3)
    assert len(EYES) == len(eyes.irises)
