"""Face templates through insightface's `ArcFaceONNX`; the only importer of insightface.

Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (2019) for the frame and the family;
the weights may be any network that takes aligned 112 × 112 faces, such as SFace.
"""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils.face_align import arcface_dst
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform

from idproof.models.session import open_session
from idproof.models.types import Embeddings, RGBImage

SIDE = 112


class ArcFaceEmbedder:
    """Makes templates; safe to call from several threads.

    insightface guesses a network's mean and deviation from the names of its first operators, and opens a session
    whose threads and providers cannot be chosen: both are given here, from the manifest.

    Args:
        model: serialised float ONNX with a dynamic batch.
        mean, std: subtracted from 0..255 and divided by.
        threads: of the session.
        flip: add the mirrored face's embedding before normalising, which makes the template less dependent on
            pose and light from one side (as is customary since Schroff et al., 2015).
    """

    def __init__(self, model: bytes, *, mean: float, std: float, threads: int = 1, flip: bool = True) -> None:
        self._flip = flip
        self._network = ArcFaceONNX(model_file=io.BytesIO(model), session=open_session(model, threads))
        self._network.input_mean = mean
        self._network.input_std = std
        self._dimensions = int(self._network.output_shape[-1])

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        return self._dimensions

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """The face at (112, 112, 3), its five landmarks brought to the network's places by a similarity."""
        transform = SimilarityTransform.from_estimate(landmarks.astype(np.float64), arcface_dst.astype(np.float64))
        aligned = cv2.warpAffine(image, transform.params[:2], (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        return np.asarray(aligned, dtype=np.uint8)

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        """(n, dimensions), unit-length rows; `faces` are (112, 112, 3)."""
        if not faces:
            return np.empty((0, self._dimensions), dtype=np.float32)
        features = self._features(faces)
        if self._flip:
            features += self._features([face[:, ::-1] for face in faces])
        length = np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(features / np.maximum(length, 1e-12), dtype=np.float32)

    def _features(self, faces: Sequence[RGBImage]) -> NDArray[np.float32]:
        # insightface takes BGR and swaps to RGB on the way to the network.
        swapped = [np.ascontiguousarray(face[..., ::-1]) for face in faces]
        return np.asarray(self._network.get_feat(swapped), dtype=np.float32)
