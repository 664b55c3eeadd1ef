"""Templates equal those of OpenCV's SFace and of insightface; the alignment equals that of insightface."""

import io
import subprocess
import sys
import warnings

import cv2
import numpy as np
import pytest
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils import face_align

from idproof.models.arcface import POSITIONS, ArcFaceEmbedder
from idproof.models.errors import ModelCorrupt
from idproof.models.onnx_graphs import split_prelu
from idproof.models.session import open_session
from idproof.models.types import Engines, RGBImage


@pytest.fixture(scope="module")
def face(engines: Engines, astronaut: RGBImage) -> RGBImage:
    return engines.embedder.align(astronaut, engines.detector.detect(astronaut)[0].landmarks)


@pytest.fixture(scope="module")
def reference(sface: bytes) -> cv2.FaceRecognizerSF:
    return cv2.FaceRecognizerSF.create("onnx", np.frombuffer(sface, np.uint8), np.empty(0, np.uint8))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_template_equals_that_of_opencv(sface: bytes, reference: cv2.FaceRecognizerSF, face: RGBImage) -> None:
    ours = ArcFaceEmbedder(sface, mean=0, std=1, flip=False).embed([face])
    theirs = reference.feature(cv2.cvtColor(face, cv2.COLOR_RGB2BGR))
    assert cosine(ours, theirs) > 0.9999
    swapped = ArcFaceEmbedder(sface, mean=0, std=1, flip=False).embed([face[..., ::-1]])
    assert cosine(swapped, theirs) < 0.99


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (127.5, 127.5)])
def test_features_equal_those_of_insightface(sface: bytes, face: RGBImage, mean: float, std: float) -> None:
    # Of the same network, so that every bit is equal; `test_onnx_graphs` holds its rewriting to the published one.
    network = split_prelu(sface)
    theirs = ArcFaceONNX(model_file=io.BytesIO(sface), session=open_session(network, 1))
    theirs.input_mean, theirs.input_std = mean, std
    plain, mirrored = ArcFaceEmbedder(network, mean=mean, std=std).raw_features([face])
    np.testing.assert_array_equal(plain, theirs.get_feat(face[..., ::-1]))
    np.testing.assert_array_equal(mirrored, theirs.get_feat(np.ascontiguousarray(face[:, ::-1, ::-1])))
    np.testing.assert_array_equal(POSITIONS, face_align.arcface_dst)


def test_a_verification_does_without_insightface() -> None:
    code = (
        "import sys; sys.modules['insightface'] = None\n"
        "from idproof.pipeline import Verifier\n"
        "Verifier.open(profile='open'); print('requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_scaling_guessed_by_insightface_is_wrong(sface: bytes, engines: Engines, face: RGBImage) -> None:
    guessed = ArcFaceEmbedder(sface, mean=127.5, std=127.5).embed([face])
    assert cosine(guessed, engines.embedder.embed([face])) < 0.9


def test_templates_are_unit_length_and_do_not_depend_on_their_batch(engines: Engines, face: RGBImage) -> None:
    dark = (face // 2).astype(np.uint8)
    faces = [face, dark, np.ascontiguousarray(face[::-1])] * 12
    templates = engines.embedder.embed(faces)
    assert templates.shape == (36, engines.embedder.dimensions) == (36, 128)
    assert templates.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(templates, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(templates[35], engines.embedder.embed([faces[2]])[0], atol=1e-4)
    assert engines.embedder.embed([]).shape == (0, 128)


def test_a_mirrored_face_has_the_same_template(sface: bytes, engines: Engines, face: RGBImage) -> None:
    mirrored = np.ascontiguousarray(face[:, ::-1])
    assert cosine(*engines.embedder.embed([face, mirrored])) > 0.99999
    assert cosine(*ArcFaceEmbedder(sface, mean=0, std=1, flip=False).embed([face, mirrored])) < 0.999


def test_the_alignment_equals_that_of_insightface(engines: Engines, astronaut: RGBImage) -> None:
    landmarks = engines.detector.detect(astronaut)[0].landmarks
    ours = engines.embedder.align(astronaut, landmarks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the deprecated call that `align` does without
        theirs = face_align.norm_crop(astronaut, landmarks)
    assert ours.shape == (112, 112, 3)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_the_eyes_are_aligned_to_the_reference_points(engines: Engines, astronaut: RGBImage) -> None:
    aligned = engines.embedder.align(astronaut, engines.detector.detect(astronaut)[0].landmarks)
    enlarged = cv2.copyMakeBorder(aligned, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    found = engines.detector.detect(np.asarray(enlarged, np.uint8))[0].landmarks - 60
    np.testing.assert_allclose(found, face_align.arcface_dst, atol=7)


def test_landmarks_that_are_one_point_are_refused(engines: Engines, astronaut: RGBImage) -> None:
    with pytest.raises(ValueError, match="one point"):
        engines.embedder.align(astronaut, np.full((5, 2), 100, np.float32))


def test_a_network_of_another_kind_is_refused(yunet: bytes) -> None:
    with pytest.raises(ModelCorrupt, match="112 × 112"):
        ArcFaceEmbedder(yunet, mean=0, std=1)
