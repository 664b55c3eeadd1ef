"""Replays show each angle as the genuine card does; retouched cards stay consistent and change nowhere else."""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.attacks import retouched
from idproof.datasets.specimen.attacks.flattening import flattened, laid_back
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations import formation
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.prints import TYPES
from idproof.pipeline.documents import Box, DocumentType, load
from idproof.pipeline.errors import InvalidSpecimen

Rendered = Callable[..., Registration]
Rectified = Callable[..., np.ndarray]
NAMES = ("front", "tilt_left", "tilt_right")
GHOST_FACE = Box(69.0, 28.5, 9.0, 12.0)
HELD = ["replay_prints", "replay_tablet", "replay_uploads"]


def movement(registration: Registration, rectified: Rectified, *names: str) -> float:
    """Returns how much the second portrait differs between two captures, 0 for not at all."""
    one, other = (rectified(registration, name, GHOST_FACE).mean(axis=2).ravel() for name in names or NAMES[1:])
    return 1 - float(np.corrcoef(one, other)[0, 1])


def changed(attack: Registration, honest: Registration, rectified: Rectified, name: str) -> np.ndarray:
    """Returns the difference of two registrations' cards, without what is the same all over the card."""
    one, other = (cv2.GaussianBlur(rectified(each, name).mean(axis=2), (0, 0), 1.0) for each in (attack, honest))
    return np.abs(one - other - np.median(one - other))


@pytest.mark.parametrize("kind", HELD)
def test_the_second_portrait_of_a_replay_moves_like_the_genuine_one(
    rendered: Rendered, rectified: Rectified, kind: str
) -> None:
    genuine = movement(rendered(), rectified)
    assert movement(rendered(kind), rectified) > 0.5 * genuine
    assert movement(rendered("print_glossy"), rectified) < 0.3 * genuine


def test_two_exchanged_prints_repeat_one_of_three_angles(rendered: Rendered, rectified: Rectified) -> None:
    attack = rendered("replay_two_prints")
    pairs = [("front", "tilt_left"), ("front", "tilt_right"), ("tilt_left", "tilt_right")]
    moved = sorted(movement(attack, rectified, *pair) for pair in pairs)
    assert moved[0] < 0.3 * moved[1]


@pytest.mark.parametrize("kind", HELD)
def test_a_replayed_hologram_changes_with_the_angle(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str
) -> None:
    box = next(region.box for region in document.regions if region.kind == "diffractive")

    def change(registration: Registration) -> float:
        one, other = (
            cv2.cvtColor(cv2.GaussianBlur(rectified(registration, name, box), (0, 0), 2) / 255, cv2.COLOR_RGB2LAB)
            for name in NAMES[1:]
        )
        colours = one[..., 1:] - other[..., 1:]
        return float(np.abs(colours - colours.mean(axis=(0, 1))).mean())

    assert change(rendered(kind)) > 1.5 * change(rendered("print_glossy"))


def test_no_finger_is_on_a_replayed_photograph(document: DocumentType) -> None:
    turns = dict.fromkeys(NAMES, (0.0, 1.0))
    sessions = [formation("analytic").begin(document, Draws(np.random.default_rng(seed)), turns) for seed in range(8)]
    assert any(scene.hand for session in sessions for scene in session.scenes.values())  # type: ignore[attr-defined]
    bare = [session.without_hands() for session in sessions]
    assert not any(scene.hand for session in bare for scene in session.scenes.values())  # type: ignore[attr-defined]
    processed = formation("processed").begin(document, Draws(np.random.default_rng(1)), turns).without_hands()
    assert not any(scene.hand for scene in processed.scenes.values())  # type: ignore[attr-defined]
    composited = formation("composited").begin(document, Draws(np.random.default_rng(1)), turns).without_hands()
    assert not any(moment.grip for moment in composited.moments.values())  # type: ignore[attr-defined]


def test_uploads_from_elsewhere_come_from_another_camera(rendered: Rendered) -> None:
    attack, honest = rendered("replay_uploads"), rendered()
    corners = [np.array(each.description["truth"]["corners"]["front"]) for each in (attack, honest)]
    assert np.abs(corners[0] - corners[1]).max() > 5
    width, height = Image.open(io.BytesIO(attack.pictures["front.jpg"])).size
    assert 1280 <= width <= 1920
    assert (corners[0] > 0).all()
    assert (corners[0] < (width, height)).all()


@pytest.mark.parametrize("kind", ["retouched_print", "retouched_injected", "consistent_edit"])
def test_retouched_names_contradict_nothing_and_the_truth_says_what_stood_there(rendered: Rendered, kind: str) -> None:
    truth, honest = rendered(kind).description["truth"], rendered().description["truth"]
    assert edits.contradictions(truth["fields"]) == set()
    assert {name for name in honest["fields"] if honest["fields"][name] != truth["fields"][name]} <= set(
        retouched.NAMES
    )
    assert truth["fields"]["english_name"] != honest["fields"]["english_name"]
    assert {name: truth["edited"]["was_" + name] for name in retouched.NAMES} == {
        name: honest["fields"][name] for name in retouched.NAMES
    }


@pytest.mark.parametrize("kind", ["retouched_injected", "consistent_edit"])
@pytest.mark.parametrize("name", NAMES)
def test_names_are_set_anew_in_every_capture_and_little_else_changes(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str, name: str
) -> None:
    difference = changed(rendered(kind), rendered(), rectified, name)
    for field in retouched.NAMES:
        left, top, right, bottom = document.field(field).box.pixels(10)
        assert np.percentile(difference[top:bottom, left:right], 97) > 25
        difference[top - 8 : bottom + 8, left - 8 : right + 8] = 0
    assert np.percentile(difference, 99.5) < 15


@pytest.mark.parametrize("name", NAMES)
def test_both_portraits_are_replaced_and_agree(
    rendered: Rendered, rectified: Rectified, document: DocumentType, name: str
) -> None:
    attack, honest = rendered("retouched_portraits"), rendered()
    difference = changed(attack, honest, rectified, name)
    ghost = next(region.box for region in document.regions if region.kind == "second_portrait")
    for box in (document.portrait, ghost):
        left, top, right, bottom = box.pixels(10)
        assert difference[top + 10 : bottom - 10, left + 10 : right - 10].mean() > 8
        difference[top - 12 : bottom + 12, left - 12 : right + 12] = 0
    assert np.percentile(difference, 99.5) < 15
    # The second portrait slides with the angle, as the genuine one does.
    assert movement(attack, rectified) > 0.4 * movement(honest, rectified)


def test_names_of_another_type_cannot_be_retouched() -> None:
    other = load(next(path for path in sorted(TYPES.glob("*.toml")) if not path.name.endswith(".print.toml")))
    with pytest.raises(InvalidSpecimen, match="names can be retouched"):
        make(31, 0, PortraitSource.open(None), other, "retouched_print")


def test_a_card_put_straight_and_laid_back_is_where_it_was(document: DocumentType) -> None:
    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (540, 960, 3)).astype(np.uint8), (0, 0), 4)
    shot = Shot(picture, np.array([[200.0, 120], [760, 90], [780, 440], [180, 460]]))
    flat = flattened(shot, document)
    everywhere = np.ones(flat.shape[:2], np.float32)
    back = laid_back(shot, flat, everywhere, document)
    assert np.abs(back.pixels[200:360, 300:640].astype(int) - picture[200:360, 300:640]).max() < 12
    assert np.array_equal(back.pixels[:60], picture[:60])
