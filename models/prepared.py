"""Networks in the form in which they are opened: rewritten once, and kept on disk beside the weights.

Rewriting (folded blocks, other operators, another file format) is a pure function of a weight's bytes, so the manifest
can state the SHA-256 of its result too (`opened_sha256`). Such a result is kept, and like a weight it is hashed at
every use, and the hashed bytes are the bytes that run: a kept file is trusted no more than the weight itself. What the
manifest does not state is rewritten in memory whenever it is opened.
"""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from idproof.models import store
from idproof.models.errors import CacheUnwritable, EngineUnavailable
from idproof.models.manifest import Profile, Weight

FOLDER = "prepared"
"""Within the folder of the weights."""


def read(weight: Weight, profile: Profile, cache: Path | None = None) -> bytes:
    """Returns a network as it is opened, from its kept file or else from the weight, and keeps it if it can.

    Raises:
        ModelMissing, ModelCorrupt: there is no kept file, and the weight was not fetched, or is damaged.
        EngineUnavailable: there is no kept file, and the libraries that rewrite are not installed.
    """
    if not weight.opened_sha256:
        return _rewrite(weight, store.read(weight, profile, cache))
    path = (cache or store.default_cache()) / FOLDER / f"{weight.opened_sha256}.onnx"
    with suppress(OSError):
        kept = path.read_bytes()
        if sha256(kept).hexdigest() == weight.opened_sha256:
            return kept
    network = _rewrite(weight, store.read(weight, profile, cache))
    if sha256(network).hexdigest() == weight.opened_sha256:
        with suppress(CacheUnwritable):  # such as in a container: it is rewritten at the next start again
            store.write(path, network, weight.opened_sha256)
    return network


def prepare(profile: Profile, cache: Path | None = None) -> None:
    """Rewrites and keeps every network of a profile.

    Raises:
        ModelMissing, ModelCorrupt: a weight was not fetched, or is damaged.
        EngineUnavailable: the libraries that rewrite are not installed.
    """
    for weight in profile.weights:
        read(weight, profile, cache)


def _rewrite(weight: Weight, data: bytes) -> bytes:
    try:
        return _rewritten(weight, data)
    except ModuleNotFoundError as error:
        if error.name not in ("onnx", "flatbuffers"):
            raise
        raise EngineUnavailable(
            f"The network {weight.file} is not prepared yet, which needs idproof with the extra prepare; "
            f"or copy the folder {FOLDER} from a machine that has it."
        ) from None


def _rewritten(weight: Weight, data: bytes) -> bytes:
    # Imported here: a process whose networks are all kept needs neither onnx nor its parsers.
    if weight.engine in ("face-mesh", "iris"):
        from idproof.models import tflite_graphs

        return tflite_graphs.to_onnx(data)
    if weight.checkpoint:
        from idproof.models import silent_face

        return silent_face.to_onnx(data)
    from idproof.models import onnx_graphs

    if weight.fold_blocks:
        data = onnx_graphs.fold_blocks(data)
    if weight.engine == "yunet":
        data = onnx_graphs.accept_any_size(data, height=2, width=3)
    if weight.engine == "arcface":
        data = onnx_graphs.split_prelu(data)
    if weight.engine == "pp-ocr":
        data = onnx_graphs.remove_softmax(data)
    return data
