"""Published checkpoints become ONNX without PyTorch, and nothing but tensors is read from them."""

import contextlib
import os
import pickle
import resource
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.models.errors import ModelCorrupt
from idproof.models.manifest import load
from idproof.models.silent_face import to_onnx
from idproof.models.torch_checkpoint import _MAGIC, read_checkpoint

NETS = Path(os.environ.get("IDPROOF_DATA", "../shared/data")) / "nets"
PUBLISHED = [("minifasnet_v2", "MiniFASNetV2_2.7.onnx"), ("minifasnet_v1se", "MiniFASNetV1SE_4.0.onnx")]


def checkpoint(values: np.ndarray, function: tuple[str, str] = ("torch._utils", "_rebuild_tensor_v2")) -> bytes:
    """Returns a checkpoint with one tensor, `weight`, made as the format describes it."""
    kind = b"ctorch\nFloatStorage\n"
    persistent = b"(X\x07\x00\x00\x00storage" + kind + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    persistent += b"J" + int(values.size).to_bytes(4, "little") + b"NtQ"
    shape = b"(" + b"".join(b"J" + int(n).to_bytes(4, "little") for n in values.shape) + b"t"
    steps = [int(np.prod(values.shape[i + 1 :])) for i in range(values.ndim)]
    stride = b"(" + b"".join(b"J" + n.to_bytes(4, "little") for n in steps) + b"t"
    module, name = function
    call = f"c{module}\n{name}\n".encode() + b"(" + persistent + b"K\x00" + shape + stride + b"\x89NtR"
    state = b"\x80\x02}X\x06\x00\x00\x00weight" + call + b"s."
    head = b"".join(pickle.dumps(part, protocol=2) for part in (_MAGIC, 1001, {}))
    tail = pickle.dumps(["0"], protocol=2) + values.size.to_bytes(8, "little") + values.astype("<f4").tobytes()
    return head + state + tail


@pytest.mark.parametrize(("name", "reference"), PUBLISHED)
def test_the_published_networks_answer_as_an_independent_conversion(name: str, reference: str) -> None:
    weight = next(w for w in load().profile("open_minifasnet").passive if w.name == name)
    file = NETS / weight.file
    if not file.is_file():
        pytest.skip("the published checkpoints are not here (IDPROOF_DATA names their folder)")
    data = file.read_bytes()
    assert sha256(data).hexdigest() == weight.sha256
    ours, theirs = (onnxruntime.InferenceSession(model) for model in (to_onnx(data), (NETS / reference).read_bytes()))
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 3, 80, 80)).astype(np.float32)
    assert ours.run(None, {"input": pictures})[0] == pytest.approx(theirs.run(None, {"input": pictures})[0], abs=1e-4)
    assert to_onnx(data) == to_onnx(data)


def test_a_tensor_is_read_with_its_shape() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = read_checkpoint(checkpoint(values))
    assert list(found) == ["weight"]
    assert np.array_equal(found["weight"], values)


@pytest.mark.parametrize("function", [("os", "system"), ("builtins", "eval"), ("torch._utils", "_rebuild_parameter")])
def test_no_other_function_is_called(function: tuple[str, str]) -> None:
    with pytest.raises(ModelCorrupt, match="more than tensors"):
        read_checkpoint(checkpoint(np.zeros(2), function))


def test_a_checkpoint_of_another_network_is_refused() -> None:
    with pytest.raises(ModelCorrupt, match="not a MiniFASNet"):
        to_onnx(checkpoint(np.zeros((2, 3), np.float32)))


def test_a_storage_that_is_cut_short_is_refused() -> None:
    with pytest.raises(ModelCorrupt):
        read_checkpoint(checkpoint(np.zeros((2, 3), np.float32))[:-5])


@pytest.mark.parametrize(
    "greedy",
    [
        b"\x80\x02K\x01r\xff\xff\xff\x7f.",
        b"\x80\x02K\x01p2000000000\n.",
        b"\x80\x05\x96" + (1 << 34).to_bytes(8, "little") + b".",
    ],
)
def test_a_few_bytes_do_not_take_gigabytes(greedy: bytes) -> None:
    """Found by the test below: a place in a pickle's memory that is far away makes room for all before it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelCorrupt):
        read_checkpoint(greedy)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@given(st.binary(max_size=200), st.integers(0, 150))
def test_damaged_bytes_end_in_one_error(noise: bytes, place: int) -> None:
    whole = checkpoint(np.zeros((2, 3), np.float32))
    for data in (noise, whole[:place] + noise + whole[place:]):
        with contextlib.suppress(ModelCorrupt):
            read_checkpoint(data)
