"""Reads the arrays of a PyTorch checkpoint in the format before 1.6, without PyTorch.

Such a file is a row of pickles followed by the storages' raw bytes. A pickle can name any function of any library, so
only the two that a state dictionary needs are answered here, by functions of our own; whatever else is named ends the
reading.

PyTorch's own `torch.load` with `weights_only=True` reads them, and would bring several hundred megabytes into every
installation. tinygrad's `torch_load` reads them without PyTorch, but it imports whatever a pickle names of some
libraries, and brings a framework with compilers of its own. Readers of safetensors and ONNX do not know the format.
"""

import io
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt

_MAGIC = 0x1950A86A20F9469CFC6C  # of the format, as `torch.serialization` names it
_TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_LENGTH_BYTES = 8  # of the count before each storage
_MAX_NUMBERS = 50_000_000  # 200 MB; far above a network of two megabytes. Chosen by hand; no outside source.
_PROTOCOL = 2  # of the pickles in this format, as `torch.serialization` writes them
_MAX_REMEMBERED = 1_000_000  # places of a pickle's memory; a state dictionary has a few per tensor. Chosen by hand


class _Reference:
    """A tensor whose numbers follow behind the pickles."""

    def __init__(self, storage: tuple[str, str, int], offset: int, shape: tuple[int, ...]) -> None:
        self.kind, self.key, self.count = storage
        self.offset, self.shape = offset, shape


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Answers the names of a state dictionary; raises `ModelCorrupt` for every other."""
        if module == "torch" and name in _TYPES:
            return name
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        }
        try:
            return known[module, name]
        except KeyError:
            raise ModelCorrupt("The checkpoint holds more than tensors.") from None

    def persistent_load(self, pid: Any) -> tuple[str, str, int]:
        """Returns type, key and count of a storage."""
        tag, kind, key, _, count, view = pid
        if tag != "storage" or view is not None or kind not in _TYPES or not 0 <= int(count) <= _MAX_NUMBERS:
            raise ModelCorrupt("The checkpoint holds more than tensors.")
        return kind, str(key), int(count)


def read_checkpoint(data: bytes) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a state dictionary by their names, without the prefix of a network on several processors.

    Raises:
        ModelCorrupt: the bytes are not such a checkpoint, or it names anything but tensors of floats and integers.
    """
    try:
        return _read(io.BytesIO(data))
    except ModelCorrupt:
        raise
    except Exception:  # noqa: BLE001 - whatever the parser raises, it is no such checkpoint
        raise ModelCorrupt("The file is not a PyTorch checkpoint of the older format.") from None


def _read(file: io.BytesIO) -> dict[str, NDArray[Any]]:
    if _unpickled(file) != _MAGIC:
        raise ModelCorrupt("The file is not a PyTorch checkpoint of the older format.")
    _unpickled(file)  # version of the format
    _unpickled(file)  # sizes of the machine's numbers
    found, order = _unpickled(file), _unpickled(file)
    if not isinstance(found, dict) or not all(isinstance(entry, _Reference) for entry in found.values()):
        raise ModelCorrupt("The checkpoint is not a state dictionary.")
    storages = _storages(file, [str(key) for key in order], {entry.key: entry.kind for entry in found.values()})
    return {str(name).removeprefix("module."): _array(entry, storages) for name, entry in found.items()}


def _unpickled(file: io.BytesIO) -> Any:
    """Returns what the next pickle holds.

    Its instructions are looked at first: a few bytes can ask for gigabytes, by a place in its memory or by a length.
    """
    start = file.tell()
    for instruction, argument, _ in pickletools.genops(file):
        is_place = instruction.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if instruction.proto > _PROTOCOL or (is_place and int(argument or 0) > _MAX_REMEMBERED):
            raise ModelCorrupt("The file is not a PyTorch checkpoint of the older format.")
    file.seek(start)
    return _Unpickler(file).load()


def _rebuild(
    storage: tuple[str, str, int], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> _Reference:
    steps = tuple(prod(shape[place + 1 :]) for place in range(len(shape)))
    if stride != steps or min((offset, *shape)) < 0:
        raise ModelCorrupt("A tensor of the checkpoint is not stored row by row.")
    return _Reference(storage, offset, shape)


def _storages(file: io.BytesIO, order: list[str], kinds: dict[str, str]) -> dict[str, NDArray[Any]]:
    storages = {}
    for key in order:
        count = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        size = count * _TYPES[kinds[key]].itemsize
        if not 0 <= count <= _MAX_NUMBERS:
            raise ModelCorrupt("A storage of the checkpoint is too long.")
        storages[key] = np.frombuffer(file.read(size), dtype=_TYPES[kinds[key]], count=count)
    return storages


def _array(entry: _Reference, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    numbers = storages[entry.key][entry.offset : entry.offset + prod(entry.shape)]
    return numbers.reshape(entry.shape)
