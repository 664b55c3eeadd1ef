"""The method of face_recognition: dlib's detector, five landmarks and residual network, through dlib itself.

`face_recognition` is a thin layer over these calls and needs a dlib that is compiled on installation; `dlib-bin` is the
same code, compiled. The networks are those of `face_recognition_models`.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from idproof.benchmarks.peers.peer import FacePeer, Template, ToTemplate
from idproof.models.types import RGBImage

_MODELS = "face_recognition_models"
_LANDMARKS, _NETWORK = "shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"


def _folder() -> Path | None:
    found = find_spec(_MODELS)  # not imported: it asks for pkg_resources, which setuptools no longer has
    return None if found is None or found.origin is None else Path(found.origin).parent / "models"


def _missing() -> str | None:
    folder = _folder()
    if folder is None or not (folder / _NETWORK).exists():
        return f"{_MODELS} is not installed; install the extra `peers`"
    return None


def _open() -> ToTemplate:
    import dlib

    folder = _folder()
    if folder is None:
        raise RuntimeError(_missing())
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))
    network = dlib.face_recognition_model_v1(str(folder / _NETWORK))

    def template(picture: RGBImage) -> Template | None:
        faces = detector(picture, 1)  # `face_recognition` enlarges the picture once
        if not faces:
            return None
        middle = dlib.point(picture.shape[1] // 2, picture.shape[0] // 2)
        face = min(faces, key=lambda box: (box.center() - middle).x ** 2 + (box.center() - middle).y ** 2)
        return np.asarray(network.compute_face_descriptor(picture, landmarks(picture, face), 1), dtype=np.float64)

    return template


def _similarity(one: Template, other: Template) -> float:
    """Returns the negative distance: higher is more alike."""
    return -float(np.linalg.norm(one - other))


PEER = FacePeer("dlib", "dlib-bin", "dlib", _missing, open=_open, similarity=_similarity)
