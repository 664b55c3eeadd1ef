"""Our own small network that distinguishes skin from print and display.

Recipe: `models/training/liveness_texture.py`; model card: `models/README.md`. The weights come with the package and not
by the manifest, because they are ours; their SHA-256 stands here beside the code.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt, ModelMissing
from idproof.models.session import CPU, open_session
from idproof.models.types import RGBImage

FILE = "liveness_texture.onnx"
SHA256 = "0c03ee02f4ee6efaca9590d9bdddbd01f04ee3629b766242c5b9030d4676b035"
WEIGHTS = {FILE: SHA256}
"""File name to SHA-256, as in `Engines.weights`."""
_FOLDER = Path(__file__).parent / "networks"


class TextureNetwork:
    """Computes logits of skin against print and display; safe to call from several threads.

    Args:
        model: serialised ONNX with the inputs `skin` and `context`.
        threads: of the session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: the weights are not such a network.
    """

    def __init__(self, model: bytes, threads: int = 1, provider: str = CPU) -> None:
        self._session = open_session(model, threads, provider)
        if [entry.name for entry in self._session.get_inputs()] != ["skin", "context"]:
            raise ModelCorrupt("The weights are not the liveness network.")

    @classmethod
    def shipped(cls, threads: int = 1, provider: str = CPU) -> "TextureNetwork":
        """Opens the network that comes with idproof; raises `ModelMissing` or `ModelCorrupt`."""
        try:
            data = (_FOLDER / FILE).read_bytes()
        except OSError:
            raise ModelMissing(f"The package lacks {FILE}.") from None
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise ModelCorrupt(f"{FILE} is not the file that was published.")
        return cls(data, threads, provider)

    def logits(self, skin: Sequence[RGBImage], context: Sequence[RGBImage]) -> NDArray[np.float32]:
        """Returns (n,), higher for bona fide; the input is `idproof.pipeline.liveness.crops`, (64, 64, 3) each."""
        feeds = {"skin": _batch(skin), "context": _batch(context)}
        return np.asarray(self._session.run(None, feeds)[0], dtype=np.float32)


def _batch(crops: Sequence[RGBImage]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2), dtype=np.float32)
