"""insightface with its own pack `buffalo_l`, whose weights are for non-commercial research; nothing is downloaded."""

from pathlib import Path

import numpy as np

from idproof.benchmarks.peers.peer import FacePeer, Template, ToTemplate
from idproof.models.types import RGBImage

_PACK = "buffalo_l"
_SIDE = 320  # pixels of its detector's input


def _missing() -> str | None:
    if any((Path.home() / ".insightface" / "models" / _PACK).glob("*.onnx")):
        return None
    return f"its pack {_PACK} is not in ~/.insightface/models; fetch it where its licence permits that"


def _open() -> ToTemplate:
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(_PACK, allowed_modules=["detection", "recognition"], providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=(_SIDE, _SIDE))

    def template(picture: RGBImage) -> Template | None:
        middle = np.array(picture.shape[1::-1]) / 2
        faces = app.get(np.ascontiguousarray(picture[..., ::-1]))
        if not faces:
            return None
        main = min(faces, key=lambda face: float(np.hypot(*((face.bbox[:2] + face.bbox[2:]) / 2 - middle))))
        return np.asarray(main.normed_embedding, dtype=np.float32)

    return template


PEER = FacePeer("insightface", "insightface", "insightface.app", _missing, open=_open)
