"""Rewriting of ONNX graphs: block-quantised weights to floats, and inputs of any size."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from idproof.models.errors import ModelCorrupt


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
