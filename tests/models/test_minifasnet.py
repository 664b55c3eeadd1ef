"""MiniFASNet in its own input and output format, through an operator's own manifest, on a small network."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from idproof.models import store
from idproof.models.errors import ManifestInvalid, ModelCorrupt, ModelMissing
from idproof.models.manifest import load
from idproof.models.minifasnet import MiniFASNet, PassiveNetwork, crop
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace

FACE = DetectedFace((40, 40, 20, 20), np.zeros((5, 2), np.float32), 0.9)


def network(classes: int = 3, side: int = 80) -> bytes:
    """Builds a network whose logits are the mean blue, green and red, so that `real` wins on green."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "turn"], ["output"]),
    ]
    turn = numpy_helper.from_array(np.eye(3, classes, dtype=np.float32), "turn")
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", classes])],
        [turn],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def ensemble(scales: tuple[float, ...]) -> MiniFASNet:
    return MiniFASNet([PassiveNetwork(network(), scale) for scale in scales])


def manifest(folder: Path, digest: str, engine: str = "minifasnet") -> Path:
    file = folder / "own.toml"
    weights = "".join(
        f"""
[weights.{name}]
engine = "{engine}"
file = "{name}.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
origin = "brought by the operator"
scale = {scale}
path = "brought.onnx"
"""
        for name, scale in (("near", 2.7), ("far", 4.0))
    )
    file.write_text(
        f"""
[profiles.open]
detector = "yunet"
embedder = "sface"
reader = "pp-ocrv6-rec-small"
latin_reader = "tesseract"
passive = ["near", "far"]
{weights}"""
    )
    return file


def test_the_crop_is_the_enlarged_box_and_stays_within_the_picture() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[40:60, 40:60] = 255
    assert crop(image, FACE, 1.0, 80).mean() > 230
    assert np.sqrt(255 / crop(image, FACE, 2.7, 80).mean()) == pytest.approx(2.7, rel=0.05)
    corner = DetectedFace((0, 0, 16, 16), FACE.landmarks, 0.9)
    assert crop(image, corner, 2.0, 80).mean() == 0
    assert crop(image, FACE, 50.0, 128).shape == (128, 128, 3)


@pytest.mark.parametrize(("colour", "real"), [((0, 9, 0), True), ((9, 0, 0), False), ((0, 0, 9), False)])
def test_the_second_class_is_real_and_channels_are_in_bgr_order(colour: tuple[int, int, int], real: bool) -> None:
    image = np.full((100, 100, 3), colour, np.uint8)
    probability, likeliest = ensemble((2.7, 4.0)).classify(image, FACE)
    assert likeliest is real
    expected = np.exp(9) / (np.exp(9) + 2) if real else 1 / (np.exp(9) + 2)
    assert probability == pytest.approx(expected, rel=1e-4)


def test_both_scales_are_averaged() -> None:
    image = np.full((100, 100, 3), (0, 0, 8), np.uint8)
    image[34:66, 34:66] = (0, 8, 0)
    assert ensemble((1.5,)).classify(image, FACE)[1]
    assert not ensemble((4.0,)).classify(image, FACE)[1]
    assert 0.2 < ensemble((1.5, 4.0)).classify(image, FACE)[0] < 0.8


def test_the_manifest_says_which_class_is_real_and_how_large_the_input_is() -> None:
    image = np.full((100, 100, 3), (0, 0, 9), np.uint8)  # of the first class, blue
    first = PassiveNetwork(network(side=128), 2.7, side=128, real=0)
    assert MiniFASNet([first]).classify(image, FACE)[1]
    assert not ensemble((2.7,)).classify(image, FACE)[1]
    # Two networks that disagree about the order of their classes are averaged by what the classes mean.
    both = MiniFASNet([first, PassiveNetwork(network(), 2.7, real=0)]).classify(image, FACE)
    assert both == pytest.approx(MiniFASNet([first]).classify(image, FACE))


def test_a_network_of_another_shape_is_refused() -> None:
    for model in (network(classes=2), network(side=64)):
        with pytest.raises(ModelCorrupt, match="three classes"):
            MiniFASNet([PassiveNetwork(model, 2.7)])


def test_a_users_manifest_adds_the_ensemble(tmp_path: Path) -> None:
    model = network()
    (tmp_path / "brought.onnx").write_bytes(model)
    own = manifest(tmp_path, sha256(model).hexdigest())
    profile, cache = load(own).profile("open"), tmp_path / "cache"
    cache.mkdir()
    for status in store.list_weights("open"):
        (cache / status.weight.file).symlink_to(status.path)
    with pytest.raises(ModelMissing, match=r"near\.onnx is not here; run .* --profile open --manifest"):
        load_engines("open", manifest=own, cache=cache)
    store.fetch(profile, cache)
    engines = load_engines("open", manifest=own, cache=cache)
    assert engines.passive is not None
    assert engines.passive.classify(np.full((100, 100, 3), (0, 9, 0), np.uint8), FACE)[1]
    assert {"near.onnx", "far.onnx"} <= set(engines.weights)
    assert load_engines("open").passive is None


def test_a_weight_of_another_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="passive networks"):
        load(manifest(tmp_path, "0" * 64, engine="arcface"))
