"""Turns block-quantised ONNX, as some wheels carry it, into plain float ONNX that every runtime opens."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


def fold_blocks(data: bytes) -> bytes:
    """Fold every constant `DequantizeLinear` into a float initialiser; a pure function of the bytes.

    Such a graph lists weights as inputs and gives `block_size` on scalars, which onnxruntime refuses; both go. A fixed batch of one becomes a dynamic one where the graph has a single image input.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and all(name in constants for name in node.input):
            constants[node.output[0]] = _dequantise(node, constants)
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in constants.items() if name in used
    )
    pictures = [entry for entry in graph.input if entry.name in used and entry.name not in constants]
    del graph.input[:]
    graph.input.extend(pictures)
    if len(pictures) == 1:
        for entry in (*graph.input, *graph.output):
            if entry.type.tensor_type.shape.dim:
                entry.type.tensor_type.shape.dim[0].dim_param = "batch"
    serialised: bytes = model.SerializeToString()
    return serialised


def _dequantise(node: onnx.NodeProto, constants: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """ONNX operator `DequantizeLinear`, version 21: (x - zero_point) × scale, in blocks along an axis."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    quantised, scale, *rest = (constants[name] for name in node.input)
    zero_point = rest[0] if rest else np.zeros_like(scale, dtype=quantised.dtype)
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    wide = [_spread(array, quantised.shape, axis, block) for array in (scale, zero_point)]
    return np.asarray((quantised.astype(np.float32) - wide[1].astype(np.float32)) * wide[0], dtype=np.float32)


def _spread(
    array: NDArray[np.generic], shape: tuple[int, ...], axis: int, block: int
) -> NDArray[np.generic]:
    if array.ndim == 0 or array.size == 1:
        return array.reshape(())
    if array.ndim == 1 and len(shape) > 1 and not block:
        return array.reshape([-1 if i == axis % len(shape) else 1 for i in range(len(shape))])
    repeated = np.repeat(array, block, axis=axis) if block else array
    return repeated.take(np.arange(shape[axis]), axis=axis)
