"""Folding gives the numbers that ONNX defines, the same bytes every time, and equal results in two runtimes."""

from hashlib import sha256

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from idproof.models import store
from idproof.models.errors import ModelCorrupt
from idproof.models.manifest import Profile, Weight
from idproof.models.onnx_graphs import fold_blocks, remove_softmax, split_prelu
from idproof.models.session import open_session

# Of the folded weights, in the order of the graph; independent of how a release of onnx lays out the file.
FOLDED = {
    "yunet": "7fed2bd3dacd479826e03e5cdf5c63934dc343c119ef857b8c95af1d12a5e3f1",
    "sface": "c003be157c894c95e9f2a1d419dea660341b683189fe4b66fddd21fbdda1cb29",
}


@pytest.fixture(params=sorted(FOLDED))
def weight(request: pytest.FixtureRequest, profile: Profile) -> Weight:
    return next(weight for weight in profile.weights if weight.name == request.param)


def folded_digest(model: bytes) -> str:
    digest = sha256()
    for tensor in onnx.load_from_string(model).graph.initializer:
        array = numpy_helper.to_array(tensor)
        digest.update(f"{tensor.name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def test_folding_is_deterministic_and_has_the_expected_hash(weight: Weight, profile: Profile) -> None:
    published = store.read(weight, profile)
    folded = fold_blocks(published)
    assert fold_blocks(published) == folded
    assert folded_digest(folded) == FOLDED[weight.name]


def test_each_block_is_dequantised_by_its_scale_and_zero_point(weight: Weight, profile: Profile) -> None:
    published = store.read(weight, profile)
    graph = onnx.load_from_string(published).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    folded = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(fold_blocks(published)).graph.initializer}
    blocked = 0
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        quantised, scale, zero = (constants[name].astype(np.float64) for name in node.input)
        attributes = {a.name: a.i for a in node.attribute}
        if scale.size > 1:
            block = np.arange(quantised.shape[attributes["axis"]]) // attributes["block_size"]
            scale, zero = (a.take(block, axis=attributes["axis"]) for a in (scale, zero))
            blocked += 1
        np.testing.assert_allclose(folded[node.output[0]], (quantised - zero) * scale, rtol=1e-6)
    assert blocked > 10


def test_a_scale_per_slice_is_expanded_along_its_axis() -> None:
    quantised = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1)
    add = helper.make_node("Add", ["x", "w"], ["y"])
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3, 4])
    arrays = {"q": quantised, "s": np.array([1, 2, 3], np.float32), "z": np.array([0, 1, 2], np.int8)}
    initialisers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([node, add], "g", [shape], [answer], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = open_session(model.SerializeToString())
    folded = open_session(fold_blocks(model.SerializeToString()))
    zeros = {"x": np.zeros((2, 3, 4), np.float32)}
    np.testing.assert_array_equal(folded.run(None, zeros)[0], session.run(None, zeros)[0])


def test_opencv_and_onnxruntime_agree_on_sface(sface: bytes) -> None:
    picture = np.random.default_rng(7).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
    session = open_session(sface)
    ours = session.run(None, {"data": picture})[0][0]
    network = cv2.dnn.readNetFromONNX(np.frombuffer(sface, np.uint8))
    network.setInput(picture)
    np.testing.assert_allclose(network.forward()[0], ours, atol=2e-3)


def test_a_recogniser_takes_any_number_of_pictures(sface: bytes) -> None:
    pictures = np.random.default_rng(8).uniform(0, 255, (3, 3, 112, 112)).astype(np.float32)
    session = open_session(sface)
    together = session.run(None, {"data": pictures})[0]
    alone = [session.run(None, {"data": picture[None]})[0][0] for picture in pictures]
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_only_the_picture_remains_an_input(weight: Weight, profile: Profile) -> None:
    published = store.read(weight, profile)
    operators = {node.op_type for node in onnx.load_from_string(published).graph.node}
    assert "DequantizeLinear" in operators, "it needs no folding any more"
    assert [entry.shape[1] for entry in open_session(fold_blocks(published)).get_inputs()] == [3]


@pytest.mark.parametrize("rubbish", [b"not a network", b"\x0a\xff\xff\xff\xff"])
def test_invalid_bytes_are_refused_with_our_own_error(rubbish: bytes) -> None:
    with pytest.raises(ModelCorrupt, match="not ONNX"):
        fold_blocks(rubbish)
    with pytest.raises(ModelCorrupt, match="onnxruntime can open"):
        open_session(rubbish)


def test_a_session_has_its_thread_count_and_no_arena(sface: bytes) -> None:
    options = open_session(sface, threads=2).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert not options.enable_cpu_mem_arena
    assert not options.enable_mem_pattern


def test_splitting_prelu_changes_no_template(sface: bytes) -> None:
    pictures = np.random.default_rng(9).uniform(0, 255, (2, 3, 112, 112)).astype(np.float32)
    split = split_prelu(sface)
    assert "PRelu" in {node.op_type for node in onnx.load_from_string(sface).graph.node}
    assert "PRelu" not in {node.op_type for node in onnx.load_from_string(split).graph.node}
    before, after = (open_session(model).run(None, {"data": pictures})[0] for model in (sface, split))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_slope_above_one_and_a_slope_for_all_channels_keep_their_meaning() -> None:
    nodes = [helper.make_node("PRelu", ["x", "each"], ["h"]), helper.make_node("PRelu", ["h", "all"], ["y"])]
    arrays = {"each": np.array([-0.5, 0.25, 1.5], np.float32).reshape(3, 1, 1), "all": np.array([0.5], np.float32)}
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 2, 2]) for name in "xy"]
    initialisers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "g", shapes[:1], shapes[1:], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    x = {"x": np.linspace(-3, 3, 12, dtype=np.float32).reshape(1, 3, 2, 2)}
    before, after = (open_session(each).run(None, x)[0] for each in (model, split_prelu(model)))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_logits_give_the_probabilities_that_the_network_gave(profile: Profile) -> None:
    published = store.read(profile.reader, profile)
    lines = np.random.default_rng(10).uniform(-1, 1, (2, 3, 48, 160)).astype(np.float32)
    probabilities = open_session(published).run(None, {"x": lines})[0]
    logits = open_session(remove_softmax(published)).run(None, {"x": lines})[0].reshape(probabilities.shape)
    raised = np.exp(logits - logits.max(axis=2, keepdims=True))
    np.testing.assert_allclose(raised / raised.sum(axis=2, keepdims=True), probabilities, atol=1e-4)


def test_no_operator_without_use_is_left(profile: Profile) -> None:
    graph = onnx.load_from_string(remove_softmax(store.read(profile.reader, profile))).graph
    used = {name for node in graph.node for name in node.input} | {entry.name for entry in graph.output}
    assert [node.name for node in graph.node if not used.intersection(node.output)] == []


def test_a_network_without_probabilities_is_refused(sface: bytes) -> None:
    with pytest.raises(ModelCorrupt, match="Softmax"):
        remove_softmax(sface)
