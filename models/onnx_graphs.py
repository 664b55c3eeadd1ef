"""Rewriting of ONNX graphs: block-quantised weights to floats, inputs of any size, and faster equal operators."""

from functools import partial

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from idproof.models.errors import ModelCorrupt
from idproof.models.onnx_marks import LOGITS, OUTPUT

_CHANNEL_SLOPE = 3  # dimensions of a slope per channel: (channels, 1, 1)


def fold_blocks(data: bytes) -> bytes:
    """Folds every constant `DequantizeLinear` into a float initialiser; a pure function of the bytes.

    Some wheels carry block-quantised graphs that list weights as inputs and give `block_size` on scalars, which
    onnxruntime refuses; both are removed. A recogniser (one picture in, one template out) takes any number of pictures
    afterwards. A detector keeps its batch of one, which is fixed in its last `Reshape` nodes.

    Raises:
        ModelCorrupt: the bytes are not ONNX.
    """
    model = _parsed(data)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and all(name in constants for name in node.input):
            constants[node.output[0]] = _dequantise(node, constants)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    pictures = [entry for entry in graph.input if entry.name in used and entry.name not in constants]
    del graph.node[:], graph.initializer[:], graph.value_info[:], graph.input[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items() if name in used)
    graph.input.extend(pictures)
    if len(graph.input) == len(graph.output) == 1:
        for entry in (*graph.input, *graph.output):
            entry.type.tensor_type.shape.dim[0].dim_param = "batch"
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def accept_any_size(data: bytes, *, height: int, width: int) -> bytes:
    """Lets a network with an input of fixed size take pictures of any size; a pure function of the bytes.

    Args:
        data: ONNX with one input.
        height: index of this dimension of the input.
        width: index of this dimension of the input.

    Raises:
        ModelCorrupt: the bytes are not such ONNX.
    """
    model = _parsed(data)
    if len(model.graph.input) != 1:
        raise ModelCorrupt("A network for pictures has one input.")
    sizes = model.graph.input[0].type.tensor_type.shape.dim
    if len(sizes) <= max(height, width):
        raise ModelCorrupt("The network's input is not a picture.")
    sizes[height].dim_param, sizes[width].dim_param = "height", "width"
    del model.graph.value_info[:]
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def split_prelu(data: bytes) -> bytes:
    """Writes every `PRelu` with a slope per channel as two convolutions of 1 × 1; a pure function of the bytes.

    onnxruntime computes convolutions in blocks of channels, and leaves that layout and comes back for each `PRelu`,
    which has no such form. Two convolutions per channel keep the layout: x + (1 - slope) · max(-x, 0). SFace's template
    then takes a third of the time, and equals the former one up to the rounding of floats.

    Raises:
        ModelCorrupt: the bytes are not ONNX.
    """
    model = _parsed(data)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None or len(slope.dims) != _CHANNEL_SLOPE or list(slope.dims[1:]) != [1, 1]:
            nodes.append(node)
            continue
        x, y = node.input[0], node.output[0]
        slopes = numpy_helper.to_array(slope).reshape(-1, 1, 1, 1)
        negated, scale = f"{y}_negated_weight", f"{y}_scale_weight"
        graph.initializer.append(numpy_helper.from_array(np.full_like(slopes, -1), negated))
        graph.initializer.append(numpy_helper.from_array(1 - slopes, scale))
        channelwise = partial(onnx.helper.make_node, "Conv", group=len(slopes), kernel_shape=[1, 1])
        nodes += [
            channelwise([x, negated], [f"{y}_negated"]),
            onnx.helper.make_node("Relu", [f"{y}_negated"], [f"{y}_below"]),
            channelwise([f"{y}_below", scale], [f"{y}_scaled"]),
            onnx.helper.make_node("Add", [f"{y}_scaled", x], [y]),
        ]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def remove_softmax(data: bytes) -> bytes:
    """Lets a classifier return its logits, (rows, classes), for one `Softmax` less; a pure function of the bytes.

    A last layer of `MatMul` and `Add` becomes one `Gemm`, which adds the bias while the numbers are in the processor's
    cache: among 18,000 classes both, and the `Softmax`, cost as much as the product itself.

    Raises:
        ModelCorrupt: the bytes are not ONNX, or the network does not end in a `Softmax`.
    """
    model = _parsed(data)
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: list(tensor.dims) for tensor in graph.initializer}

    def maker(name: str) -> onnx.NodeProto:
        node = made_by.get(name, onnx.NodeProto())
        return maker(node.input[0]) if node.op_type == "Identity" else node

    last = maker(graph.output[0].name) if len(graph.output) == 1 else onnx.NodeProto()
    if last.op_type != "Softmax":
        raise ModelCorrupt("The weights are not a classifier that ends in a Softmax.")
    added = maker(last.input[0])
    product = maker(added.input[0]) if added.op_type == "Add" else onnx.NodeProto()
    logits = last.input[0]
    if product.op_type == "MatMul" and product.input[1] in constants and added.input[1] in constants:
        features, weights = product.input
        logits = f"{logits}_rows"
        rows, shape = f"{features}_rows", f"{features}_rows_shape"
        graph.initializer.append(numpy_helper.from_array(np.array([-1, constants[weights][0]], np.int64), shape))
        graph.node.append(onnx.helper.make_node("Reshape", [features, shape], [rows]))
        graph.node.append(onnx.helper.make_node("Gemm", [rows, weights, added.input[1]], [logits]))
    del graph.output[:], graph.value_info[:]
    graph.output.append(onnx.helper.make_tensor_value_info(logits, onnx.TensorProto.FLOAT, None))
    _remove_unused(graph)
    model.metadata_props.add(key=OUTPUT, value=LOGITS)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Removes nodes on which no output depends; onnxruntime would compute them."""
    needed = {entry.name for entry in graph.output}
    kept = []
    for node in reversed(graph.node):  # in ONNX a node follows those that it takes its inputs from
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _parsed(data: bytes) -> onnx.ModelProto:
    try:
        return onnx.load_from_string(data)
    except Exception:  # noqa: BLE001 - whatever the parser raises, it is no network
        raise ModelCorrupt("A weight file is not ONNX.") from None


def _dequantise(node: onnx.NodeProto, constants: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """ONNX operator `DequantizeLinear`, version 21: (x - zero_point) × scale, in blocks along an axis."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    quantised, *parameters = (constants[name].astype(np.float32) for name in node.input)
    scale, *zero_point = (_expand(array, quantised.shape, axis, block) for array in parameters)
    return (quantised - zero_point[0]) * scale if zero_point else quantised * scale


def _expand(array: NDArray[np.float32], shape: tuple[int, ...], axis: int, block: int) -> NDArray[np.float32]:
    """Expands a scale or zero point of the whole tensor, of each slice along an axis, or of each block."""
    if array.size == 1:
        return array.reshape(())
    if block:
        # The last block may be cut short by the end of the axis.
        return np.repeat(array, block, axis=axis).take(range(shape[axis]), axis=axis)
    return array.reshape([-1 if place == axis % len(shape) else 1 for place in range(len(shape))])
