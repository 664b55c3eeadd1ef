"""Faces are found in the picture's own pixels, for any size and number of threads."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from idproof.models.errors import ModelCorrupt
from idproof.models.onnx_graphs import accept_any_size
from idproof.models.session import open_session
from idproof.models.types import Engines, RGBImage
from idproof.models.yunet import YuNetDetector

EYES_OF_ASTRONAUT = np.array([[200, 102], [247, 103]])


def test_a_face_is_found_with_its_landmarks_from_left_to_right(engines: Engines, astronaut: RGBImage) -> None:
    (face,) = engines.detector.detect(astronaut)
    assert face.score > 0.9
    eye, other_eye, nose, mouth, other_mouth = face.landmarks
    np.testing.assert_allclose([eye, other_eye], EYES_OF_ASTRONAUT, atol=5)
    assert eye[0] < nose[0] < other_eye[0]
    assert mouth[0] < other_mouth[0]
    assert max(eye[1], other_eye[1]) < nose[1] < min(mouth[1], other_mouth[1])
    assert face.box[0] < 200 < 247 < face.box[0] + face.box[2]


@pytest.mark.parametrize(("across", "down"), [(0.5, 0.5), (3.0, 3.0), (4.0, 3.0), (6.0, 6.0)])
def test_landmarks_are_in_the_pictures_own_pixels(
    engines: Engines, astronaut: RGBImage, across: float, down: float
) -> None:
    resized = cv2.resize(astronaut, None, fx=across, fy=down, interpolation=cv2.INTER_CUBIC)
    face = engines.detector.detect(np.asarray(resized, np.uint8))[0]
    np.testing.assert_allclose(face.landmarks[:2] / [across, down], EYES_OF_ASTRONAUT, atol=6)


def test_faces_come_largest_first(engines: Engines, astronaut: RGBImage) -> None:
    small = cv2.resize(astronaut, (300, 300), interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 812, 3), np.uint8)
    both[:300, :300] = small
    both[:, 300:] = astronaut
    first, second = engines.detector.detect(both)
    assert first.area > second.area
    assert first.box[0] > 300 > second.box[0]


def test_pictures_are_rgb(yunet: bytes, astronaut: RGBImage) -> None:
    """The network of 640 × 640 in onnxruntime, which takes BGR, gives OpenCV's score for the same picture."""
    picture = np.asarray(cv2.resize(astronaut, (640, 640), interpolation=cv2.INTER_CUBIC), np.uint8)
    (face,) = YuNetDetector(accept_any_size(yunet, height=2, width=3)).detect(picture)
    session = open_session(yunet)

    def best(planes: RGBImage) -> float:
        outputs = session.run(None, {"input": planes.transpose(2, 0, 1)[None].astype(np.float32)})
        named = dict(zip((entry.name for entry in session.get_outputs()), outputs, strict=True))
        scores = [np.sqrt(named[f"cls_{stride}"] * named[f"obj_{stride}"]).max() for stride in (8, 16, 32)]
        return float(max(scores))

    assert face.score == pytest.approx(best(picture[..., ::-1]), abs=1e-3)
    assert face.score != pytest.approx(best(picture), abs=1e-3)


@pytest.mark.parametrize("side", [512, 333, 250, 201])
def test_detections_equal_those_of_opencv(yunet: bytes, astronaut: RGBImage, side: int) -> None:
    """Boxes, landmarks and scores agree to a thousandth of a pixel, also where the picture must be padded."""
    both = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    picture = np.asarray(cv2.resize(both, (side, side * 2 // 3), interpolation=cv2.INTER_AREA), np.uint8)
    size = (picture.shape[1], picture.shape[0])
    weights, no_config = np.frombuffer(yunet, np.uint8), np.empty(0, np.uint8)
    theirs = cv2.FaceDetectorYN.create("onnx", weights, no_config, size, 0.7, 0.3, 500)
    rows = np.asarray(theirs.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1])
    faces = YuNetDetector(accept_any_size(yunet, height=2, width=3)).detect(picture)
    assert len(faces) == len(rows) == 2
    mine = np.array([[*face.box, *face.landmarks.ravel(), face.score] for face in faces])
    order, other = np.argsort(mine[:, 0]), np.argsort(rows[:, 0])
    np.testing.assert_allclose(mine[order], rows[other], atol=1e-3)


def test_concurrent_calls_give_the_same_faces(engines: Engines, astronaut: RGBImage) -> None:
    pictures = [
        np.ascontiguousarray(np.roll(astronaut, shift, axis=1)[: 512 - 16 * i])
        for i, shift in enumerate((0, 40, 80, 120))
    ]
    alone = [engines.detector.detect(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engines.detector.detect, pictures * 5))
    for i, faces in enumerate(together):
        np.testing.assert_allclose(faces[0].landmarks, alone[i % 4][0].landmarks, atol=1e-3)


@pytest.mark.parametrize("shape", [(0, 0, 3), (3, 400, 3), (300, 1, 3), (480, 640, 3)])
def test_a_picture_without_a_face_gives_an_empty_list(engines: Engines, shape: tuple[int, int, int]) -> None:
    assert engines.detector.detect(np.zeros(shape, np.uint8)) == []


def test_invalid_weights_are_refused_on_opening() -> None:
    with pytest.raises(ModelCorrupt):
        YuNetDetector(b"not a network")
