"""Converts float networks of TensorFlow Lite to ONNX, in memory and without TensorFlow.

Covers the seven operators of MediaPipe's landmark networks; a network with any other is refused. Field numbers and
codes are those of the published format (`schema.fbs`, version 3). Pictures change from (n, height, width, channels) to
ONNX's (n, channels, height, width).
"""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from flatbuffers import encode, number_types
from flatbuffers.table import Table
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from idproof.models.errors import ModelCorrupt

_OPSET, _IR_VERSION = 13, 8
_FORMAT = b"TFL3"
_FLOAT, _INT = 0, 2  # types of tensors
_ADD, _CONV, _DEPTHWISE, _MAX_POOL, _RESHAPE, _PAD, _PRELU = 0, 3, 4, 17, 22, 34, 54
_PADDINGS = ("SAME_UPPER", "VALID")
_DAMAGED = (struct.error, ValueError, KeyError, IndexError, TypeError, OverflowError)


def to_onnx(model: bytes) -> bytes:
    """Returns the network as ONNX; a pure function of the bytes.

    Its input is `input` (n, 3, height, width). Its outputs keep their names and order, as (n, values).

    Raises:
        ModelCorrupt: the bytes are no network of TensorFlow Lite, or one with other operators.
    """
    try:
        if model[4:8] != _FORMAT:
            raise ValueError("format")
        serialised: bytes = _Converter(_root(model)).convert().SerializeToString(deterministic=True)
    except _DAMAGED:
        raise ModelCorrupt("The file is not a TensorFlow Lite network of the operators that are converted.") from None
    return serialised


class _Node:
    """One table of the file; fields are numbered as in the schema."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def number(self, field: int, kind: Any, default: int = 0) -> int:
        """Returns a scalar, or its default where the file leaves it out."""
        offset = self._offset(field)
        return int(self._table.Get(kind, self._table.Pos + offset)) if offset else default

    def child(self, field: int) -> "_Node":
        """Returns a table that the field refers to."""
        offset = self._offset(field)
        if not offset:
            raise KeyError(field)
        return _Node(Table(self._table.Bytes, self._table.Indirect(self._table.Pos + offset)))

    def union(self, field: int) -> "_Node":
        """Returns the table of a union."""
        offset = self._offset(field)
        if not offset:
            raise KeyError(field)
        table = Table(self._table.Bytes, 0)
        self._table.Union(table, offset)
        return _Node(table)

    def children(self, field: int) -> list["_Node"]:
        """Returns the tables of a vector."""
        start, length = self._vector(field)
        places = (self._table.Indirect(start + 4 * i) for i in range(length))
        return [_Node(Table(self._table.Bytes, place)) for place in places]

    def integers(self, field: int) -> list[int]:
        """Returns a vector of 32-bit integers."""
        return [int(value) for value in np.frombuffer(self._bytes(field, 4), "<i4")]

    def data(self, field: int) -> bytes:
        """Returns a vector of bytes, also that of a text."""
        return self._bytes(field, 1)

    def _bytes(self, field: int, width: int) -> bytes:
        start, length = self._vector(field)
        found = bytes(self._table.Bytes[start : start + width * length])
        if len(found) != width * length:
            raise ValueError("a vector reaches over the end of the file")
        return found

    def _vector(self, field: int) -> tuple[int, int]:
        offset = self._offset(field)
        return (self._table.Vector(offset), self._table.VectorLen(offset)) if offset else (0, 0)

    def _offset(self, field: int) -> int:
        return int(self._table.Offset(4 + 2 * field))


def _root(model: bytes) -> _Node:
    return _Node(Table(model, encode.Get(number_types.UOffsetTFlags.packer_type, model, 0)))


class _Converter:
    """Converts the first graph of a file, operator by operator."""

    def __init__(self, root: _Node) -> None:
        self._codes = [
            max(code.number(0, number_types.Int8Flags), code.number(3, number_types.Int32Flags))
            for code in root.children(1)
        ]
        self._graph, self._buffers = root.children(2)[0], root.children(4)
        self._tensors = self._graph.children(0)
        self._nodes: list[NodeProto] = []
        self._weights: dict[str, TensorProto] = {}

    def convert(self) -> ModelProto:
        """Returns the model; raises one of `_DAMAGED`."""
        converters: dict[int, Callable[[_Node, list[int], str], None]] = {
            _ADD: self._add,
            _CONV: self._convolution,
            _DEPTHWISE: self._depth_wise,
            _MAX_POOL: self._max_pool,
            _RESHAPE: self._reshape,
            _PAD: self._pad,
            _PRELU: self._prelu,
        }
        (first,), outputs = self._graph.integers(1), self._graph.integers(2)
        for operator in self._graph.children(3):
            inputs, (result,) = operator.integers(1), operator.integers(2)
            code = self._codes[operator.number(0, number_types.Uint32Flags)]
            converters[code](operator, inputs, self._name(result))
        _, height, width, channels = self._shape(first)
        return helper.make_model(
            helper.make_graph(
                [
                    helper.make_node("Identity", ["input"], [self._name(first)]),
                    *self._nodes,
                    *(helper.make_node("Flatten", [self._name(place)], [self._label(place)]) for place in outputs),
                ],
                "landmarks",
                [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", channels, height, width])],
                [
                    helper.make_tensor_value_info(
                        self._label(place), TensorProto.FLOAT, ["n", int(np.prod(self._shape(place)[1:]))]
                    )
                    for place in outputs
                ],
                list(self._weights.values()),
            ),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )

    def _add(self, operator: _Node, inputs: list[int], result: str) -> None:
        _require_linear(operator.union(4), 0)
        self._node("Add", [self._name(place) for place in inputs], result)

    def _convolution(self, operator: _Node, inputs: list[int], result: str) -> None:
        options = operator.union(4)
        _require_linear(options, 3)
        kernel = self._array(inputs[1]).transpose(0, 3, 1, 2)  # from (out, height, width, in)
        self._convolve(options, (4, 5), inputs, kernel, result, groups=1)

    def _depth_wise(self, operator: _Node, inputs: list[int], result: str) -> None:
        options = operator.union(4)
        _require_linear(options, 4)
        kernel = self._array(inputs[1]).transpose(3, 0, 1, 2)  # from (1, height, width, channels)
        self._convolve(options, (5, 6), inputs, kernel, result, groups=self._shape(inputs[0])[3])

    def _convolve(
        self,
        options: _Node,
        dilations: tuple[int, int],
        inputs: list[int],
        kernel: NDArray[Any],
        result: str,
        groups: int,
    ) -> None:
        if any(options.number(field, number_types.Int32Flags, 1) != 1 for field in dilations):
            raise ValueError("dilation")
        picture, _, bias = inputs
        names = [
            self._name(picture),
            self._weight(f"{result}.kernel", kernel),
            self._weight(f"{result}.bias", self._array(bias)),
        ]
        side = list(kernel.shape[2:])
        self._node("Conv", names, result, group=groups, kernel_shape=side, **_window(options))

    def _max_pool(self, operator: _Node, inputs: list[int], result: str) -> None:
        options = operator.union(4)
        _require_linear(options, 5)
        width, height = (options.number(field, number_types.Int32Flags) for field in (3, 4))
        self._node("MaxPool", [self._name(inputs[0])], result, kernel_shape=[height, width], **_window(options))

    def _reshape(self, _operator: _Node, inputs: list[int], result: str) -> None:
        _, height, width, channels = self._shape(inputs[0])
        if (height, width) != (1, 1):  # elsewhere the order of the values would change
            raise ValueError("a map is reshaped")
        shape = self._weight(f"{result}.shape", np.array([-1, channels], dtype=np.int64))
        self._node("Reshape", [self._name(inputs[0]), shape], result)

    def _pad(self, _operator: _Node, inputs: list[int], result: str) -> None:
        edges = self._array(inputs[1])[[0, 3, 1, 2]].T.ravel().astype(np.int64)  # all begins, then all ends
        self._node("Pad", [self._name(inputs[0]), self._weight(f"{result}.pads", edges)], result)

    def _prelu(self, _operator: _Node, inputs: list[int], result: str) -> None:
        slopes = self._array(inputs[1]).reshape(-1, 1, 1)
        self._node("PRelu", [self._name(inputs[0]), self._weight(f"{result}.slopes", slopes)], result)

    def _node(self, kind: str, inputs: list[str], result: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [result], **attributes))

    def _weight(self, name: str, values: NDArray[Any]) -> str:
        self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def _array(self, place: int) -> NDArray[Any]:
        """Returns a constant of the file."""
        tensor = self._tensors[place]
        kind = {_FLOAT: "<f4", _INT: "<i4"}[tensor.number(1, number_types.Int8Flags)]
        data = self._buffers[tensor.number(2, number_types.Uint32Flags)].data(0)
        return np.frombuffer(data, kind).reshape(self._shape(place))

    def _shape(self, place: int) -> list[int]:
        return self._tensors[place].integers(0)

    def _label(self, place: int) -> str:
        return self._tensors[place].data(3).decode()

    @staticmethod
    def _name(place: int) -> str:
        return f"t{place}"


def _window(options: _Node) -> dict[str, Any]:
    """Returns padding and strides, whose fields all windowed operators number alike."""
    width, height = (options.number(field, number_types.Int32Flags) for field in (1, 2))
    return {"auto_pad": _PADDINGS[options.number(0, number_types.Int8Flags)], "strides": [height, width]}


def _require_linear(options: _Node, field: int) -> None:
    if options.number(field, number_types.Int8Flags) != 0:
        raise ValueError("an activation is fused into the operator")
