"""One face is chosen for every check of a picture; nobody is chosen where two people may be the applicant."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.applicant_face import choose_applicant

Box = tuple[float, float, float, float]
HEIGHT, WIDTH = 480, 360
APPLICANT: Box = (115.0, 160.0, 130.0, 160.0)


def face(box: Box) -> DetectedFace:
    return DetectedFace(box, np.zeros((5, 2), np.float32), 0.9)


def scene(*blurred: Box) -> RGBImage:
    """Detail everywhere but in these boxes."""
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(image, (0, 0), 12.0)
    for x, y, width, height in blurred:
        rows, columns = slice(max(0, int(y)), int(y + height)), slice(max(0, int(x)), int(x + width))
        image[rows, columns] = soft[rows, columns]
    return image


def test_nobody_and_somebody_alone() -> None:
    nobody = choose_applicant(scene(), [])
    assert (nobody.face, nobody.ambiguous) == (None, False)
    alone = face((0.0, 0.0, 40.0, 50.0))
    assert choose_applicant(scene(), [alone]).face is alone


@pytest.mark.parametrize(
    "bystander",
    [
        pytest.param((5.0, 120.0, 85.0, 100.0), id="behind at the side"),
        pytest.param((-60.0, 60.0, 130.0, 160.0), id="as large and cut off by the edge"),
        pytest.param((270.0, 10.0, 80.0, 100.0), id="a poster in the corner"),
    ],
)
def test_a_bystander_does_not_count(bystander: Box) -> None:
    applicant = face(APPLICANT)
    for faces in ([applicant, face(bystander)], [face(bystander), applicant]):
        assert choose_applicant(scene(), faces).face is applicant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param((50.0, 160.0, 125.0, 160.0), (185.0, 160.0, 125.0, 160.0), id="cheek to cheek"),
        pytest.param(APPLICANT, (255.0, 160.0, 120.0, 150.0), id="beside the one in the middle"),
        pytest.param(APPLICANT, (120.0, 5.0, 110.0, 140.0), id="above"),
        pytest.param((20.0, 20.0, 110.0, 130.0), (230.0, 320.0, 110.0, 130.0), id="in two corners"),
    ],
)
def test_two_people_are_refused(one: Box, other: Box) -> None:
    for faces in ([face(one), face(other)], [face(other), face(one)]):
        chosen = choose_applicant(scene(), faces)
        assert (chosen.face, chosen.ambiguous) == (None, True)


def test_a_face_out_of_focus_is_behind_and_a_sharp_one_of_the_same_size_is_not() -> None:
    applicant, other = face((175.0, 160.0, 130.0, 160.0)), (10.0, 150.0, 105.0, 135.0)
    assert choose_applicant(scene(), [applicant, face(other)]).ambiguous
    assert choose_applicant(scene(other), [applicant, face(other)]).face is applicant


def test_the_largest_face_is_not_the_applicant_when_it_is_at_the_edge() -> None:
    applicant, near_the_camera = face(APPLICANT), (-110.0, 320.0, 170.0, 210.0)
    assert choose_applicant(scene(near_the_camera), [face(near_the_camera), applicant]).face is applicant


SHARP = scene()
boxes = st.tuples(st.floats(-100, WIDTH), st.floats(-100, HEIGHT), st.floats(1, 300), st.floats(1, 300))


@settings(deadline=None, max_examples=60)
@given(st.data(), st.lists(boxes, min_size=1, max_size=4, unique=True))
def test_the_order_of_the_faces_does_not_matter(data: st.DataObject, found: list[Box]) -> None:
    faces = [face(box) for box in found]
    mixed = data.draw(st.permutations(faces))
    one, other = choose_applicant(SHARP, faces), choose_applicant(SHARP, mixed)
    assert one.ambiguous == other.ambiguous
    assert (one.face is None) == one.ambiguous
    assert one.face is other.face
