"""Hints follow from facts, and rendered pictures give the hints that their content asks for."""

import io
import struct
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from pictures import jpeg
from PIL import Image

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import poses_of
from idproof.pipeline import Verifier
from idproof.pipeline.card.plan import CardPose, draw
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CaptureTooManyPixels, CaptureUnreadable
from idproof.pipeline.guidance import GuidanceMemory, Guide, Hint, downscaled_jpeg
from idproof.pipeline.guidance.hints import CardFacts, FaceFacts, for_card, for_face
from idproof.pipeline.types import Role

FRONT, LEFT, RIGHT = CardPose(0.0, 0.0, 0.55), CardPose(19.0, 9.0, 0.55), CardPose(-28.0, 0.0, 0.64)
HELD = CardPose(1.8, -3.3, 0.528)
"""Pose of the flat capture of the fixture `registration`."""
GOOD_CARD: dict[str, Any] = {
    "inside": True, "pose": CardPose(0.0, 0.0, 0.55), "motion": 0.0, "light": 130.0, "glare": 0.0, "sharpness": 0.8
}  # fmt: skip
GOOD_FACE: dict[str, Any] = {
    "share": 0.4, "offset": 0.05, "motion": 0.0, "light": 130.0, "even": 0.8, "yaw_deg": 4.0, "sharpness": 0.5
}  # fmt: skip


@pytest.fixture(scope="module")
def guide(verifier: Verifier) -> Guide:
    assert verifier.face_detector is not None
    return Guide.open(verifier.document, verifier.face_detector)


def at(turn: float, pitch: float, share: float) -> dict[str, Any]:
    return {"pose": CardPose(turn, pitch, share)}


@pytest.mark.parametrize(
    ("wanted", "fact", "hint"),
    [
        (FRONT, {}, Hint.GOOD),
        (FRONT, {"inside": False} | at(0, 0, 0.1), Hint.CARD_INSIDE),
        (FRONT, at(0, 0, 0.51), Hint.MOVE_CLOSER),
        (FRONT, at(0, 0, 0.59), Hint.MOVE_BACK),
        (FRONT, {"light": 20.0}, Hint.MORE_LIGHT),
        (FRONT, {"light": 250.0}, Hint.LESS_LIGHT),
        (FRONT, {"glare": 0.1}, Hint.GLARE_HERE),
        (FRONT, at(4, 0, 0.55), Hint.RIGHT_NEARER),
        (FRONT, at(-4, 0, 0.55), Hint.LEFT_NEARER),
        (FRONT, at(0, -4, 0.55), Hint.TOP_NEARER),
        (FRONT, at(0, 4, 0.55), Hint.BOTTOM_NEARER),
        (FRONT, at(4, 5, 0.55), Hint.BOTTOM_NEARER),
        (FRONT, {"motion": 0.05}, Hint.HOLD_STILL),
        (LEFT, {}, Hint.TILT_LEFT_MORE),
        (LEFT, at(19, 9, 0.55), Hint.GOOD),
        (LEFT, at(21, 11, 0.53), Hint.GOOD),
        (LEFT, at(40, 9, 0.55), Hint.TILT_LEFT_LESS),
        (LEFT, at(-19, 9, 0.55), Hint.TILT_LEFT_MORE),
        (LEFT, at(18, 0, 0.55), Hint.TOP_NEARER),
        (RIGHT, {}, Hint.MOVE_CLOSER),
        (RIGHT, at(0, 0, 0.64), Hint.TILT_RIGHT_MORE),
        (RIGHT, at(-27, 1, 0.65), Hint.GOOD),
        (RIGHT, at(-33, 0, 0.64), Hint.TILT_RIGHT_LESS),
        (RIGHT, at(-27, 5, 0.64), Hint.BOTTOM_NEARER),
    ],
)
def test_the_most_urgent_hint_of_a_card(wanted: CardPose, fact: dict[str, Any], hint: Hint) -> None:
    assert for_card(CardFacts(**GOOD_CARD | fact), wanted) is hint


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
    assert for_face(FaceFacts(**GOOD_FACE | fact)) is hint
    assert for_face(FaceFacts(**GOOD_FACE | fact), several=True) is Hint.ONE_PERSON


def test_nothing_found_in_the_dark_asks_for_light() -> None:
    assert for_card(None, FRONT) is Hint.SHOW_CARD
    assert for_card(None, FRONT, dark=True) is Hint.MORE_LIGHT
    assert for_face(None) is Hint.SHOW_FACE
    assert for_face(None, dark=True) is Hint.MORE_LIGHT


@pytest.mark.parametrize(("light", "card", "face"), [(15, "more_light", "more_light"), (140, "show_card", "show_face")])
def test_an_empty_picture_asks_for_light_where_it_is_dark(guide: Guide, light: int, card: str, face: str) -> None:
    grey = np.random.default_rng(0).normal(light, 9, (360, 480, 3)).clip(0, 255).astype(np.uint8)
    data = memoryview(cv2.imencode(".jpg", grey)[1].tobytes())
    assert guide.card(data, FRONT, GuidanceMemory(), 0.0).hint == card
    assert guide.face(data, GuidanceMemory(), 0.0).hint == face


def preview(data: bytes, width: int = 480) -> memoryview:
    whole = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    shape = cv2.resize(whole, (width, round(width * whole.shape[0] / whole.shape[1])), interpolation=cv2.INTER_AREA)
    return memoryview(cv2.imencode(".jpg", shape, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())


def test_a_rendered_card_is_found_and_its_pose_is_measured(guide: Guide, document: DocumentType) -> None:
    """Every still of a plan is taken, also when the camera's focal length is known from one turned card only."""
    plan, memory = draw(bytes(32)), GuidanceMemory()
    poses = poses_of(plan, Draws(np.random.default_rng(7)))
    made = make(31, 0, PortraitSource.open(None), document, poses=poses)
    truth = made.description["truth"]["corners"]
    for place, name in enumerate(("tilt_left", "front", "tilt_right")):
        memory.begin_stage()
        wanted, held = plan.poses[Role(f"card_{name}")], poses[name]
        found = guide.card(preview(made.pictures[f"{name}.jpg"]), wanted, memory, float(place))
        assert found.corners is not None
        assert found.pose is not None
        away = np.abs(np.array(found.corners) * [1920, 1080] - np.array(truth[name])).max()
        assert away < 8  # of 1920: two pixels of the preview
        assert (found.pose.turn_deg, found.pose.pitch_deg) == pytest.approx((held.turn_deg, held.pitch_deg), abs=1.5)
        assert found.pose.share == pytest.approx(held.share, abs=0.006)
        assert found.wanted == wanted


def test_a_card_at_another_angle_gets_the_direction_to_turn(guide: Guide, registration: Registration) -> None:
    front = preview(registration.pictures["front.jpg"])
    assert guide.card(front, replace(LEFT, share=HELD.share), GuidanceMemory(), 0).hint is Hint.TILT_LEFT_MORE
    assert guide.card(front, replace(RIGHT, share=HELD.share), GuidanceMemory(), 0).hint is Hint.TILT_RIGHT_MORE


def test_a_moving_card_is_followed_and_gets_the_hint_to_hold_still(guide: Guide, registration: Registration) -> None:
    data, memory = registration.pictures["front.jpg"], GuidanceMemory()
    still = guide.card(preview(data), HELD, memory, 0.0)
    assert still.hint is Hint.GOOD
    whole = cv2.imdecode(np.frombuffer(bytes(preview(data)), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    moved = cv2.imencode(".jpg", np.roll(whole, (5, 9), axis=(0, 1)))[1].tobytes()
    followed = guide.card(memoryview(moved), HELD, memory, 0.1)
    assert followed.hint is Hint.HOLD_STILL
    assert followed.corners is not None
    assert still.corners is not None
    assert np.array(followed.corners) - np.array(still.corners) == pytest.approx(
        np.tile([9 / 480, 5 / 270], (4, 1)), abs=0.003
    )


def test_a_picture_without_a_card_asks_for_the_card(guide: Guide, registration: Registration) -> None:
    selfie = guide.card(preview(registration.pictures["selfie.jpg"]), HELD, GuidanceMemory(), 0)
    assert (selfie.hint, selfie.corners) == (Hint.SHOW_CARD, None)


def test_white_on_the_card_is_glare_where_it_lies(guide: Guide, registration: Registration) -> None:
    whole = cv2.imdecode(np.frombuffer(bytes(preview(registration.pictures["front.jpg"])), dtype=np.uint8), 1)
    assert whole is not None
    middle = np.array(registration.description["truth"]["corners"]["front"]).mean(axis=0) / 4
    cv2.circle(whole, (round(middle[0]) + 30, round(middle[1])), 28, (255, 255, 255), -1)
    found = guide.card(memoryview(cv2.imencode(".jpg", whole)[1].tobytes()), HELD, GuidanceMemory(), 0)
    assert found.hint is Hint.GLARE_HERE
    left, top, width, height = found.glare[0]
    assert left < (middle[0] + 30) / 480 < left + width
    assert top < middle[1] / 270 < top + height


def test_a_selfie_is_good_and_a_picture_without_a_face_is_not(guide: Guide, registration: Registration) -> None:
    memory = GuidanceMemory()
    found = guide.face(memoryview(registration.pictures["selfie.jpg"]), memory, 0.0)
    assert found.hint is Hint.GOOD
    assert found.box is not None
    grey = cv2.imencode(".jpg", np.full((320, 240, 3), 128, dtype=np.uint8))[1].tobytes()
    assert guide.face(memoryview(grey), memory, 0.1).hint is Hint.SHOW_FACE


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10", b"\x89PNG", b"\xff\xd8" + b"\xff" * 400])
def test_bytes_that_are_no_jpeg_are_unreadable(data: bytes) -> None:
    with pytest.raises(CaptureUnreadable):
        downscaled_jpeg.decode(memoryview(data), 320)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (4000, 1), (65000, 1), (1, 65000), (8000, 30)])
def test_a_picture_too_thin_to_show_anything_is_unreadable(guide: Guide, size: tuple[int, int]) -> None:
    """A device gets an answer to it, as to other bytes; OpenCV's own error would end the connection."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, "JPEG")
    with pytest.raises(CaptureUnreadable):
        guide.card(memoryview(buffer.getvalue()), CardPose(0.0, 0.0, 0.6), GuidanceMemory(), 0.0, still=True)


def test_the_size_is_read_from_the_header(registration: Registration) -> None:
    data = memoryview(registration.pictures["front.jpg"])
    assert downscaled_jpeg.read_size(data) == (1920, 1080)
    assert downscaled_jpeg.decode(data, 480).shape == (270, 480, 3)


def test_a_progressive_jpeg_is_decoded_smaller() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1280, 720), (200, 10, 10)).save(buffer, "JPEG", progressive=True)
    picture = downscaled_jpeg.decode(memoryview(buffer.getvalue()), 320)
    assert picture.shape == (180, 320, 3)
    assert np.abs(picture.mean(axis=(0, 1)) - [200, 10, 10]).max() < 4


@pytest.mark.parametrize("size", [(6000, 5000), (20_000, 20_000)])
def test_a_header_that_announces_too_many_pixels_stops_before_decoding(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downscaled_jpeg.cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    data = bytearray(jpeg(np.zeros((16, 16, 3), dtype=np.uint8)))
    start_of_frame = data.index(b"\xff\xc0")
    data[start_of_frame + 5 : start_of_frame + 9] = struct.pack(">HH", size[1], size[0])  # ITU-T T.81, B.2.2
    with pytest.raises(CaptureTooManyPixels):
        downscaled_jpeg.decode(memoryview(data), 320)
