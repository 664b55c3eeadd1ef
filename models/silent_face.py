"""Converts the published checkpoints of Silent-Face-Anti-Spoofing to ONNX, in memory and without PyTorch.

The networks are MiniFASNetV2 and MiniFASNetV1SE as their publisher describes them (minivision, 2020, Apache-2.0): a
row of blocks, each a convolution, batch normalisation and a rectifier. The names and shapes in the checkpoint give the
blocks and their widths; strides and edges are stated here. Normalisation is folded into the convolutions, and the two
linear layers at the end into one.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from idproof.models.errors import ModelCorrupt
from idproof.models.torch_checkpoint import read_checkpoint

_SIDE, _CLASSES = 80, 3
_OPSET, _IR_VERSION = 13, 8
_EPSILON = 1e-5  # of batch normalisation, the default of PyTorch with which the networks were trained
_HALVES = ("conv1", "conv_23", "conv_34", "conv_45")  # blocks that halve the picture
_STAGES = ("conv_23", "conv_3", "conv_34", "conv_4", "conv_45", "conv_5")

Arrays = Mapping[str, NDArray[Any]]


def to_onnx(checkpoint: bytes) -> bytes:
    """Returns the network as ONNX: `input` (n, 3, 80, 80) BGR 0..255, `logits` (n, 3); a pure function of the bytes.

    Raises:
        ModelCorrupt: the checkpoint is not one of these networks.
    """
    arrays = read_checkpoint(checkpoint)
    try:
        serialised: bytes = _Builder(arrays).build().SerializeToString(deterministic=True)
    except (KeyError, ValueError):
        raise ModelCorrupt("The checkpoint is not a MiniFASNet.") from None
    return serialised


class _Builder:
    """Collects nodes and weights; `self._last` is the output of the newest node."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._last = "input"

    def build(self) -> ModelProto:
        """Returns the model; raises KeyError or ValueError where the checkpoint is of another network."""
        self._block("conv1")
        self._block("conv2_dw")
        for stage in _STAGES:
            if f"{stage}.conv.conv.weight" in self._arrays:
                self._depth_wise(stage)
            else:
                self._residual(stage)
        self._block("conv_6_sep")
        self._convolve("conv_6_dw")
        self._classify()
        graph = helper.make_graph(
            self._nodes,
            "MiniFASNet",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, _SIDE, _SIDE])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", _CLASSES])],
            self._weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)

    def _residual(self, stage: str) -> None:
        count = len({name.split(".")[2] for name in self._arrays if name.startswith(f"{stage}.model.")})
        if not count:
            raise KeyError(stage)
        for place in range(count):
            before, name = self._last, f"{stage}.model.{place}"
            self._depth_wise(name)
            if f"{name}.se_module.fc1.weight" in self._arrays:
                self._weigh_channels(f"{name}.se_module")
            self._node("Add", [before, self._last])

    def _depth_wise(self, name: str) -> None:
        self._block(f"{name}.conv")
        self._block(f"{name}.conv_dw", halves=name in _HALVES)
        self._convolve(f"{name}.project")

    def _block(self, name: str, *, halves: bool | None = None) -> None:
        self._convolve(name, halves=name in _HALVES if halves is None else halves)
        slopes = self._arrays[f"{name}.prelu.weight"]
        self._node("PRelu", [self._last, self._weight(slopes.reshape(-1, 1, 1))])

    def _weigh_channels(self, name: str) -> None:
        """Squeeze and excitation: each channel is multiplied by a weight from the means of all."""
        before = self._last
        self._node("GlobalAveragePool", [before])
        self._convolve_with(self._arrays[f"{name}.fc1.weight"], f"{name}.bn1")
        self._node("Relu", [self._last])
        self._convolve_with(self._arrays[f"{name}.fc2.weight"], f"{name}.bn2")
        self._node("Sigmoid", [self._last])
        self._node("Mul", [before, self._last])

    def _convolve(self, name: str, *, halves: bool = False) -> None:
        self._convolve_with(self._arrays[f"{name}.conv.weight"], f"{name}.bn", halves=halves)

    def _convolve_with(self, kernel: NDArray[Any], norm: str, *, halves: bool = False) -> None:
        scale, shift = self._norm(norm)
        side, groups = kernel.shape[-1], kernel.shape[0] if kernel.shape[1] == 1 else 1
        edge = 1 if side == 3 else 0  # the last 5 × 5 kernel covers what is left of the picture
        inputs = [self._last, self._weight(kernel * scale.reshape(-1, 1, 1, 1)), self._weight(shift)]
        step = 2 if halves else 1
        self._node("Conv", inputs, group=groups, kernel_shape=[side, side], pads=[edge] * 4, strides=[step, step])

    def _classify(self) -> None:
        scale, shift = self._norm("bn")
        narrow, last = (self._arrays[f"{name}.weight"].astype(np.float64) for name in ("linear", "prob"))
        if last.shape[0] != _CLASSES:
            raise ValueError("three classes")
        self._node("Flatten", [self._last])
        weight, bias = self._weight(last @ (narrow * scale[:, None])), self._weight(last @ shift)
        self._nodes.append(helper.make_node("Gemm", [self._last, weight, bias], ["logits"], transB=1))

    def _norm(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns factor and summand of a batch normalisation."""
        gain, bias, mean, variance = (
            self._arrays[f"{name}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + _EPSILON)
        return scale, bias - mean * scale

    def _weight(self, values: NDArray[Any]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> None:
        self._last = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [self._last], **attributes))
