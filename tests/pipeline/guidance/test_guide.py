"""What people are told: facts to hints, and hints from rendered pictures that show what they say."""

from typing import Any

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Verifier
from idproof.pipeline.errors import CaptureUnreadable
from idproof.pipeline.guidance import Guide, Hint, Notes, hints, small_picture
from idproof.pipeline.guidance.hints import CardFacts, FaceFacts, for_card, for_face
from idproof.pipeline.types import Role

ROLES = {"front": Role.CARD_FRONT, "tilt_left": Role.CARD_TILT_LEFT, "tilt_right": Role.CARD_TILT_RIGHT}
GOOD_CARD: dict[str, Any] = {
    "inside": True, "share": 0.55, "motion": 0.0, "turn_deg": 0.0, "light": 130.0, "glare": 0.0, "sharpness": 0.8
}  # fmt: skip
GOOD_FACE: dict[str, Any] = {
    "share": 0.4, "offset": 0.05, "motion": 0.0, "light": 130.0, "even": 0.8, "yaw_deg": 4.0, "sharpness": 0.5
}  # fmt: skip


@pytest.fixture(scope="module")
def guide(verifier: Verifier) -> Guide:
    assert verifier.face_detector is not None
    return Guide.open(verifier.document, verifier.face_detector)


@pytest.mark.parametrize(
    ("role", "fact", "hint"),
    [
        (Role.CARD_FRONT, {}, Hint.GOOD),
        (Role.CARD_FRONT, {"inside": False, "share": 0.1}, Hint.CARD_INSIDE),
        (Role.CARD_FRONT, {"share": 0.2}, Hint.MOVE_CLOSER),
        (Role.CARD_FRONT, {"share": 0.95}, Hint.MOVE_BACK),
        (Role.CARD_FRONT, {"light": 20.0}, Hint.MORE_LIGHT),
        (Role.CARD_FRONT, {"light": 250.0}, Hint.LESS_LIGHT),
        (Role.CARD_FRONT, {"glare": 0.1}, Hint.GLARE_HERE),
        (Role.CARD_FRONT, {"turn_deg": 12.0}, Hint.FACE_ON),
        (Role.CARD_FRONT, {"motion": 0.05}, Hint.HOLD_STILL),
        (Role.CARD_TILT_LEFT, {}, Hint.TILT_LEFT_MORE),
        (Role.CARD_TILT_LEFT, {"turn_deg": 25.0}, Hint.GOOD),
        (Role.CARD_TILT_LEFT, {"turn_deg": 40.0}, Hint.TILT_LEFT_LESS),
        (Role.CARD_TILT_LEFT, {"turn_deg": -25.0}, Hint.TILT_LEFT_MORE),
        (Role.CARD_TILT_RIGHT, {}, Hint.TILT_RIGHT_MORE),
        (Role.CARD_TILT_RIGHT, {"turn_deg": -25.0}, Hint.GOOD),
        (Role.CARD_TILT_RIGHT, {"turn_deg": -40.0}, Hint.TILT_RIGHT_LESS),
    ],
)
def test_the_most_urgent_hint_of_a_card(role: Role, fact: dict[str, Any], hint: Hint) -> None:
    assert for_card(CardFacts(**GOOD_CARD | fact), role) is hint


@pytest.mark.parametrize(
    ("fact", "hint"),
    [
        ({}, Hint.GOOD),
        ({"share": 0.1}, Hint.MOVE_CLOSER),
        ({"share": 0.95}, Hint.MOVE_BACK),
        ({"offset": 0.4}, Hint.CENTRE_FACE),
        ({"light": 10.0}, Hint.MORE_LIGHT),
        ({"even": 0.1}, Hint.EVEN_LIGHT),
        ({"yaw_deg": 40.0}, Hint.LOOK_STRAIGHT),
        ({"motion": 0.1}, Hint.HOLD_STILL),
    ],
)
def test_the_most_urgent_hint_of_a_face(fact: dict[str, Any], hint: Hint) -> None:
    assert for_face(FaceFacts(**GOOD_FACE | fact), 1) is hint
    assert for_face(FaceFacts(**GOOD_FACE | fact), 2) is Hint.ONE_PERSON


def preview(data: bytes, width: int = 480) -> memoryview:
    whole = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    shape = cv2.resize(whole, (width, round(width * whole.shape[0] / whole.shape[1])), interpolation=cv2.INTER_AREA)
    return memoryview(cv2.imencode(".jpg", shape, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())


def test_a_rendered_card_is_found_within_two_pixels_and_its_turn_is_told(
    guide: Guide, registration: Registration
) -> None:
    notes, truth = Notes(), registration.description["truth"]["corners"]
    for place, (name, role) in enumerate(ROLES.items()):
        notes.begin()
        found = guide.card(preview(registration.pictures[f"{name}.jpg"]), role, notes, float(place))
        assert found.corners is not None
        away = np.abs(np.array(found.corners) * [1920, 1080] - np.array(truth[name])).max()
        assert away < 8  # of 1920: two pixels of the preview
        low, high = hints.TARGETS[role]
        assert found.turn_deg is not None
        assert low - 6 < found.turn_deg < high + 6


def test_a_card_at_another_angle_is_told_which_way_to_turn(guide: Guide, registration: Registration) -> None:
    front = preview(registration.pictures["front.jpg"])
    assert guide.card(front, Role.CARD_TILT_LEFT, Notes(), 0).hint is Hint.TILT_LEFT_MORE
    assert guide.card(front, Role.CARD_TILT_RIGHT, Notes(), 0).hint is Hint.TILT_RIGHT_MORE


def test_a_card_that_moves_is_followed_and_told_to_hold_still(guide: Guide, registration: Registration) -> None:
    data, notes = registration.pictures["front.jpg"], Notes()
    still = guide.card(preview(data), Role.CARD_FRONT, notes, 0.0)
    assert still.hint is Hint.GOOD
    whole = cv2.imdecode(np.frombuffer(bytes(preview(data)), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    moved = cv2.imencode(".jpg", np.roll(whole, (5, 9), axis=(0, 1)))[1].tobytes()
    followed = guide.card(memoryview(moved), Role.CARD_FRONT, notes, 0.1)
    assert followed.hint is Hint.HOLD_STILL
    assert followed.corners is not None
    assert still.corners is not None
    assert np.array(followed.corners) - np.array(still.corners) == pytest.approx(
        np.tile([9 / 480, 5 / 270], (4, 1)), abs=0.003
    )


def test_what_is_no_card_is_none(guide: Guide, registration: Registration) -> None:
    selfie = guide.card(preview(registration.pictures["selfie.jpg"]), Role.CARD_FRONT, Notes(), 0)
    assert (selfie.hint, selfie.corners) == (Hint.SHOW_CARD, None)


def test_white_on_the_card_is_glare_where_it_lies(guide: Guide, registration: Registration) -> None:
    whole = cv2.imdecode(np.frombuffer(bytes(preview(registration.pictures["front.jpg"])), dtype=np.uint8), 1)
    assert whole is not None
    middle = np.array(registration.description["truth"]["corners"]["front"]).mean(axis=0) / 4
    cv2.circle(whole, (round(middle[0]) + 30, round(middle[1])), 28, (255, 255, 255), -1)
    found = guide.card(memoryview(cv2.imencode(".jpg", whole)[1].tobytes()), Role.CARD_FRONT, Notes(), 0)
    assert found.hint is Hint.GLARE_HERE
    left, top, width, height = found.glare[0]
    assert left < (middle[0] + 30) / 480 < left + width
    assert top < middle[1] / 270 < top + height


def test_a_selfie_is_good_and_a_picture_without_a_face_is_not(guide: Guide, registration: Registration) -> None:
    notes = Notes()
    found = guide.face(memoryview(registration.pictures["selfie.jpg"]), notes, 0.0)
    assert found.hint is Hint.GOOD
    assert found.box is not None
    grey = cv2.imencode(".jpg", np.full((320, 240, 3), 128, dtype=np.uint8))[1].tobytes()
    assert guide.face(memoryview(grey), notes, 0.1).hint is Hint.SHOW_FACE


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10", b"\x89PNG", b"\xff\xd8" + b"\xff" * 400])
def test_what_is_no_jpeg_is_unreadable(data: bytes) -> None:
    with pytest.raises(CaptureUnreadable):
        small_picture.decode(memoryview(data), 320)


def test_the_header_tells_the_size_before_anything_is_decoded(registration: Registration) -> None:
    data = memoryview(registration.pictures["front.jpg"])
    assert small_picture.size_of(data) == (1920, 1080)
    assert small_picture.decode(data, 480).shape == (270, 480, 3)
