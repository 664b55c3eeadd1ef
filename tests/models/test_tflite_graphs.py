"""Networks of TensorFlow Lite become ONNX that answers as TensorFlow Lite's own runtime does."""

from contextlib import suppress

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idproof.models import store
from idproof.models.errors import ModelCorrupt
from idproof.models.manifest import Profile
from idproof.models.tflite_graphs import to_onnx

# First values of each output for the first of two pictures of noise (seed 0), by ai-edge-litert 2.3.0.
ANSWERS = {
    "face_landmark.tflite": {
        "conv2d_20": [100.435, 121.756, -10.330, 101.360, 106.789, -24.776],
        "conv2d_30": [-11.562],
    },
    "iris_landmark.tflite": {
        "output_eyes_contours_and_brows": [25.760, 30.273, 2.884, 27.839, 31.565, 2.004],
        "output_iris": [37.468, 33.426, 1.664, 40.066, 32.802, 1.667],
    },
}


@pytest.fixture(scope="module")
def files(profile: Profile) -> dict[str, bytes]:
    assert profile.landmarks is not None
    return {weight.file: store.read(weight, profile) for weight in profile.landmarks}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_published_networks_answer_as_under_their_own_runtime(files: dict[str, bytes], name: str) -> None:
    session = onnxruntime.InferenceSession(to_onnx(files[name]))
    (entry,) = session.get_inputs()
    pictures = np.random.default_rng(0).uniform(0, 1, (2, *entry.shape[1:])).astype(np.float32)
    together = session.run(None, {"input": pictures})
    alone = session.run(None, {"input": pictures[1:]})
    for place, (output, first) in enumerate(ANSWERS[name].items()):
        assert session.get_outputs()[place].name == output
        assert together[place][0][: len(first)] == pytest.approx(first, abs=2e-3)
        assert together[place][1] == pytest.approx(alone[place][0], abs=1e-3)
    assert to_onnx(files[name]) == to_onnx(files[name])


@pytest.mark.parametrize("data", [b"", b"TFL3", bytes(64), b"\0\0\0\0TFL3" + bytes(64)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ModelCorrupt):
        to_onnx(data)


def test_a_cut_file_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(ModelCorrupt):
        to_onnx(files["iris_landmark.tflite"][:-20_000])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_converted_but_never_another_error(files: dict[str, bytes], data: st.DataObject) -> None:
    damaged = bytearray(files["iris_landmark.tflite"])
    # Weights come first in the file and structure last.
    for place in data.draw(st.lists(st.integers(1, 60_000), min_size=1, max_size=4)):
        damaged[-place] = data.draw(st.integers(0, 255))
    with suppress(ModelCorrupt):
        to_onnx(bytes(damaged))
