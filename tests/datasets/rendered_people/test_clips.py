"""Heads turn as solids, sheets as planes, and light falls on what is near."""

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people import clips, surface
from idproof.datasets.rendered_people.clips import SPECIES, Distance, Sitting, bona_fide
from idproof.datasets.rendered_people.surface import EYES, Pose, displacement, head, lookup, sheet
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines

NOSE, CORNERS = (125, 137), [(102, 113), (148, 113), (108, 162), (142, 162)]


@pytest.fixture(scope="module")
def sitting() -> Sitting:
    picture = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return Sitting.draw(cv2.resize(picture, (250, 250)), Draws(np.random.default_rng(5), Split.TEST))


def nose_off_plane(carrier: surface.Surface, pose: Pose) -> float:
    """Pixels between the nose and where the plane through eyes and mouth would put it."""
    field = displacement(carrier, pose, 330.0)
    moved = {point: np.array(point) + field[point[1], point[0]] for point in [NOSE, *CORNERS]}
    source = np.array(CORNERS, dtype=np.float32)
    target = np.array([moved[point] for point in CORNERS], dtype=np.float32)
    plane = cv2.getPerspectiveTransform(source, target)
    expected = cv2.perspectiveTransform(np.array([[NOSE]], dtype=np.float32), plane)[0, 0]
    return float(np.linalg.norm(moved[NOSE] - expected))


def test_a_head_turns_as_a_solid_and_a_sheet_as_a_plane() -> None:
    turned = Pose(yaw=22)
    assert nose_off_plane(head(), turned) > 5
    assert nose_off_plane(sheet(), turned) < 0.05
    assert nose_off_plane(sheet(40), turned) < 0.4 * nose_off_plane(head(), turned)


@pytest.mark.parametrize("pose", [Pose(), Pose(yaw=20), Pose(pitch=-15), Pose(yaw=-10, roll=5, scale=1.3)])
def test_the_lookup_inverts_the_displacement(pose: Pose) -> None:
    field = displacement(head(), pose, 330.0)
    at = lookup(field, (384, 512), 2.0, (0.0, 0.0))
    for point in (*EYES, NOSE):
        moved = np.array(point) + field[int(point[1]), int(point[0])]
        column, row = np.round((moved - np.array(surface.CENTRE)) * 2.0 + np.array([192, 256])).astype(int)
        assert np.linalg.norm(at[row, column] - np.array(point)) < 2.5  # steep beside the nose


def test_a_clip_answers_the_challenge_at_its_times(sitting: Sitting) -> None:
    clip = bona_fide(sitting)
    assert len(clip.frames) == len(sitting.challenge.capture_ms()) == 16
    for frame, asked in zip(clip.frames, sitting.challenge.capture_ms(), strict=True):
        gap = 1000 / sitting.camera.rate
        assert -0.13 * gap <= frame.captured_ms - asked <= 1.13 * gap
        assert (frame.pixels.shape, frame.pixels.dtype) == ((512, 384, 3), np.uint8)
    assert [f.number for f in clip.frames] == sorted({f.number for f in clip.frames})


def test_who_stands_before_a_kiosk_is_seen_smaller(sitting: Sitting) -> None:
    detector, picture = load_engines().detector, sitting.photograph
    draws = Draws(np.random.default_rng(5), Split.TEST)
    standing = Sitting.draw(picture, draws, distance=Distance.STANDING)
    far = SPECIES["print_flat"](standing).frames[0].pixels
    assert far.shape == (320, 240, 3)
    assert 75 < detector.detect(far)[0].box[2] < 125 < detector.detect(bona_fide(sitting).frames[0].pixels)[0].box[2]


def test_the_same_seed_renders_the_same_clip() -> None:
    def made() -> np.ndarray:
        picture = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
        again = Sitting.draw(cv2.resize(picture, (250, 250)), Draws(np.random.default_rng(9), Split.TEST))
        return SPECIES["photo_moved"](again).frames[3].pixels

    assert np.array_equal(made(), made())


def test_a_loop_repeats_and_another_session_answers_something_else(sitting: Sitting) -> None:
    loop = SPECIES["injected_loop"](sitting)
    pictures = {frame.pixels.tobytes() for frame in loop.frames}
    assert len(pictures) < len(loop.frames) / 2
    asked = [step.action for step in sitting.challenge.steps]
    assert [step.action for step in sitting.other().challenge.steps] != asked


def test_every_species_of_the_issue_is_there() -> None:
    assert set(SPECIES) == {
        "print_flat",
        "print_bent",
        "screen_photo",
        "screen_video",
        "photo_moved",
        "photo_cut_eyes",
        "warped_frame",
        "wrong_challenge",
        "replayed_session",
        "injected_loop",
    }
    assert clips.BONA_FIDE not in SPECIES
