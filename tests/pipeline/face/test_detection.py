"""The selfie's face is found among other people, with the real detector, and two people are refused."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import FaceDetector, RGBImage
from idproof.pipeline.errors import SeveralFaces
from idproof.pipeline.face.detection import find_selfie_face

HEIGHT, WIDTH = 600, 600


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return load_engines().detector


def people() -> list[RGBImage]:
    source = PortraitSource.open(None)
    return [source.person(label).photographs[0] for label in source.labels()[:2]]


def with_faces(*places: tuple[RGBImage, float, tuple[int, int]]) -> RGBImage:
    """A grey scene with the middles of photographs: picture, width in pixels, left upper corner."""
    scene = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    for picture, width, (left, top) in places:
        side = picture.shape[0]
        head = picture[side // 8 : -side // 8, side // 5 : -side // 5]
        size = (round(width), round(width * head.shape[0] / head.shape[1]))
        small = cv2.resize(head, size, interpolation=cv2.INTER_AREA)
        part = scene[top : top + size[1], left : left + size[0]]
        part[:] = small[: part.shape[0], : part.shape[1]]
    return scene


def test_a_person_behind_is_not_the_applicant(detector: FaceDetector) -> None:
    applicant, other = people()
    alone = find_selfie_face(with_faces((applicant, 260, (170, 120))), detector)
    behind = with_faces((applicant, 260, (170, 120)), (other, 160, (5, 60)))
    assert len(detector.detect(behind)) == 2
    found = find_selfie_face(behind, detector)
    assert np.abs(found.landmarks - alone.landmarks).max() < 6


def test_two_heads_cheek_to_cheek_are_refused(detector: FaceDetector) -> None:
    one, other = people()
    for left in (40, 120):  # in the middle together, and one of them more so
        both = with_faces((one, 240, (left, 150)), (other, 230, (left + 240, 160)))
        assert len(detector.detect(both)) == 2
        with pytest.raises(SeveralFaces):
            find_selfie_face(both, detector)
