"""A still becomes a capture only when it shows what the verification needs to see."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from idproof.benchmarks.guidance.faults import FAULTS
from idproof.datasets.specimen.make import Registration
from idproof.models.types import RGBImage
from idproof.pipeline import Verifier
from idproof.pipeline.card.plan import CardPose
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.guidance import GuidanceMemory, Guide, Hint
from idproof.pipeline.guidance.hints import StillFacts, for_still

Spoil = Callable[[RGBImage], RGBImage]


@pytest.fixture(scope="module")
def guide(verifier: Verifier) -> Guide:
    assert verifier.face_detector is not None
    return Guide.open(verifier.document, verifier.face_detector)


@pytest.fixture(scope="module")
def front(registration: Registration) -> RGBImage:
    picture = cv2.imdecode(np.frombuffer(registration.pictures["front.jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(picture, dtype=np.uint8)


@pytest.fixture(scope="module")
def corners(registration: Registration) -> np.ndarray:
    return np.array(registration.description["truth"]["corners"]["front"])


def still(image: RGBImage) -> memoryview:
    return memoryview(cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes())


def preview(image: RGBImage) -> memoryview:
    size = (480, round(480 * image.shape[0] / image.shape[1]))
    return still(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def held(guide: Guide, image: RGBImage) -> CardPose:
    found = guide.card(preview(image), CardPose(0, 0, 0.55), GuidanceMemory(), 0.0)
    assert found.pose is not None
    return found.pose


def dazzled(image: RGBImage, corners: np.ndarray, document: DocumentType, box: Box) -> RGBImage:
    """The picture with a box of the card clipped to white."""
    card = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [document.width_mm, document.height_mm]
    to_picture = cv2.getPerspectiveTransform(card.astype(np.float32), corners.astype(np.float32))
    outline = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [box.width, box.height] + [box.x, box.y]
    place = cv2.perspectiveTransform(outline[None].astype(np.float32), to_picture)[0]
    return np.asarray(cv2.fillPoly(image.copy(), [place.round().astype(np.int32)], (255, 255, 255)), dtype=np.uint8)


def spoilt(fault: str, image: RGBImage, corners: np.ndarray, seed: int = 0) -> RGBImage:
    return FAULTS[fault].spoil(image, corners, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("fact", "hint"),
    [
        ({}, Hint.GOOD),
        ({"sharpness": -2.0}, Hint.CLEAN_LENS),
        ({"sharpness": -2.0, "one_sided": True}, Hint.HOLD_STILL),
        ({"one_sided": True}, Hint.GOOD),
        ({"hidden": 0.1}, Hint.FINGERS_OFF),
        ({"clipped_portrait": 0.6}, Hint.GLARE_HERE),
        ({"clipped_fields": 0.6}, Hint.GLARE_HERE),
        ({"clipped_portrait": 0.4, "clipped_fields": 0.4}, Hint.GOOD),
        ({"clipped": 0.6, "clipped_portrait": 0.6}, Hint.LESS_LIGHT),
    ],
)
def test_the_most_urgent_hint_of_a_still(fact: dict[str, Any], hint: Hint) -> None:
    assert for_still(StillFacts(**{"sharpness": -0.6} | fact)) is hint


def test_a_still_whose_print_cannot_be_followed_was_not_held_still() -> None:
    assert for_still(None) is Hint.HOLD_STILL


def test_a_sharp_still_is_good_and_refused_when_something_hides_in_its_preview(
    guide: Guide, front: RGBImage, corners: np.ndarray
) -> None:
    """All three spoilt pictures are good as previews: only the full resolution tells."""
    blurred = np.asarray(cv2.GaussianBlur(front, (0, 0), 2.2), dtype=np.uint8)
    moved = np.asarray(cv2.blur(front, (15, 1)), dtype=np.uint8)
    document = guide.tracker.document
    lit = front  # small specks of light all over the portrait: no print can be compared between them
    for x in np.arange(document.portrait.x, document.portrait.x + document.portrait.width, 1.2):
        for y in np.arange(document.portrait.y, document.portrait.y + document.portrait.height, 1.2):
            lit = dazzled(lit, corners, document, Box(float(x), float(y), 0.3, 0.3))
    for picture, hint in ((front, "good"), (blurred, "clean_lens"), (moved, "hold_still"), (lit, "glare_here")):
        memory, pose = GuidanceMemory(), held(guide, picture)
        assert guide.card(preview(picture), pose, memory, 0.0).hint is Hint.GOOD
        taken = guide.card(still(picture), pose, memory, 0.1, still=True)
        assert taken.hint == hint
        assert (taken.score > 0) is (hint == "good")


def test_light_on_one_field_and_a_hologram_that_shines_are_good(
    guide: Guide, front: RGBImage, corners: np.ndarray
) -> None:
    """The other captures show the field, and light from the hologram is what the verification looks for."""
    document = guide.tracker.document
    hologram = next(region.box for region in document.regions if region.kind == "diffractive")
    for box in (document.field("issue_date").box, replace(hologram, width=0.7 * hologram.width)):
        lit = dazzled(front, corners, document, box)
        assert guide.card(still(lit), held(guide, lit), GuidanceMemory(), 0.0, still=True).hint is Hint.GOOD


def test_a_hand_over_the_card_is_refused_and_a_thumb_at_its_edge_is_not(
    guide: Guide, front: RGBImage, corners: np.ndarray
) -> None:
    pose = held(guide, front)
    middle = corners.mean(axis=0).round().astype(int)
    hand, thumb = front.copy(), front.copy()
    cv2.ellipse(hand, tuple(map(int, np.add(middle, [0, 160]))), (230, 150), 0, 0, 360, (205, 150, 120), -1)
    edge = ((corners[2] + corners[3]) / 2).round().astype(int)
    cv2.ellipse(thumb, tuple(map(int, edge)), (50, 50), 0, 0, 360, (205, 150, 120), -1)
    for picture, hint in ((hand, Hint.FINGERS_OFF), (thumb, Hint.GOOD)):
        memory = GuidanceMemory()
        guide.card(preview(front), pose, memory, 0.0)
        assert guide.card(still(picture), pose, memory, 0.05, still=True).hint is hint


def test_the_reason_for_which_a_still_was_refused_stays_while_it_is_read(guide: Guide, front: RGBImage) -> None:
    pose, memory = held(guide, front), GuidanceMemory()
    blurred = np.asarray(cv2.GaussianBlur(front, (0, 0), 2.2), dtype=np.uint8)
    said = [guide.card(preview(blurred), pose, memory, 0.0).hint]
    said.append(guide.card(still(blurred), pose, memory, 0.1, still=True).hint)
    said += [guide.card(preview(front), pose, memory, at).hint for at in (0.2, 1.5, 1.7)]
    assert said == ["good", "clean_lens", "clean_lens", "clean_lens", "good"]
    assert guide.card(still(front), pose, memory, 1.8, still=True).good
    assert guide.card(preview(front), pose, memory, 1.9).good


@pytest.mark.parametrize("fault", ["near", "cut_off", "upside_down", "sideways", "other_side", "two_cards"])
def test_a_card_that_is_shown_wrongly_is_told_how(
    guide: Guide, front: RGBImage, corners: np.ndarray, fault: str
) -> None:
    shown, memory, said = spoilt(fault, front, corners), GuidanceMemory(), []
    pose = held(guide, shown) if fault == "two_cards" else held(guide, front)
    for place in range(22):
        asked = bool(said) and said[-1] is Hint.GOOD
        data = still(shown) if asked else preview(shown)
        said.append(guide.card(data, pose, memory, place / 10, still=asked).hint)
    assert FAULTS[fault].hints & set(said)
    named = {Hint.TURN_UPRIGHT, Hint.TURN_SIDEWAYS, Hint.OTHER_SIDE, Hint.ONE_CARD, Hint.MOVE_BACK, Hint.CARD_INSIDE}
    assert not (named - FAULTS[fault].hints) & set(said)


def test_a_table_and_a_face_are_no_card_that_is_shown_wrongly(guide: Guide, registration: Registration) -> None:
    picture = cv2.imdecode(np.frombuffer(registration.pictures["selfie.jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
    table = np.random.default_rng(3).normal(140, 6, (1080, 1920, 3)).clip(0, 255).astype(np.uint8)
    for shown in (np.asarray(picture, dtype=np.uint8), table):
        memory = GuidanceMemory()
        hints = {guide.card(preview(shown), CardPose(0, 0, 0.55), memory, place / 10).hint for place in range(22)}
        assert hints == {Hint.SHOW_CARD}


def test_a_card_that_a_finger_hides_from_the_quick_search_is_found_by_its_features(
    guide: Guide, front: RGBImage, corners: np.ndarray
) -> None:
    """Two covered corners leave no quadrangle; the print is still known, and followed from the next picture on."""
    covered = front.copy()
    for corner in corners[:2]:
        cv2.circle(covered, tuple(map(int, corner)), 150, (90, 60, 50), -1)
    small, memory = preview(covered), GuidanceMemory()
    pose = held(guide, front)
    found = [guide.card(small, pose, memory, place / 10).corners for place in range(4)]
    assert found[-1] is not None
    assert np.abs(np.array(found[-1]) * [1920, 1080] - corners).max() < 16
