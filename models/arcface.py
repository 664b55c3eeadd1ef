"""Face templates by insightface's `ArcFaceONNX`; the only importer of insightface.

Alignment and kind of network follow Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition"
(2019); the weights may be any network that takes aligned 112 × 112 faces, such as SFace.
"""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils.face_align import arcface_dst
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform

from idproof.models.errors import ModelCorrupt
from idproof.models.session import CPU, open_session
from idproof.models.types import Embeddings, RGBImage

SIDE = 112  # pixels, as in the ArcFace paper
_MAX_BATCH = 32  # bounds the memory of one call; chosen by hand, no outside source


class ArcFaceEmbedder:
    """Computes templates; safe to call from several threads.

    insightface guesses a network's mean and deviation from the names of its first operators, and opens a session whose
    threads and providers cannot be chosen. Here the manifest gives mean and deviation, and the session is our own.

    Args:
        model: serialised float ONNX, RGB faces in and one template per face out.
        mean: subtracted from 0..255.
        std: divisor of the difference.
        threads: of the session.
        flip: add the mirrored face's embedding before normalising, which makes the template depend less on pose and
            on light from one side (customary since Schroff et al., 2015), in twice the time. On 1,280
            aligned LFW faces it took SFace's FNMR at FMR 1e-4 from 6.5 % to 5.6 %, errors of labelling included.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: the weights are not such a network.
    """

    def __init__(
        self, model: bytes, *, mean: float, std: float, threads: int = 1, flip: bool = True, provider: str = CPU
    ) -> None:
        session = open_session(model, threads, provider)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if [entry.shape[1:] for entry in inputs] != [[3, SIDE, SIDE]] or len(outputs) != 1:
            raise ModelCorrupt("The weights are not a recogniser of faces of 112 × 112 pixels.")
        self._dimensions = int(outputs[0].shape[-1])
        # Some published recognisers take one picture at a time; the others name their batch or leave it out.
        self._batch = 1 if inputs[0].shape[0] == 1 else _MAX_BATCH
        self._flip = flip
        self._network = ArcFaceONNX(model_file=io.BytesIO(model), session=session)
        self._network.input_mean = mean
        self._network.input_std = std

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        return self._dimensions

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """Returns the face at (112, 112, 3), its five landmarks brought to the network's positions by a similarity.

        Equals insightface's `norm_crop` with scikit-image's current call; insightface makes a deprecated call that
        warns.

        Raises:
            ValueError: all landmarks are one point.
        """
        transform = SimilarityTransform.from_estimate(landmarks.astype(np.float64), arcface_dst.astype(np.float64))
        if not transform:
            raise ValueError("a face's landmarks are not all one point")
        aligned = cv2.warpAffine(image, transform.params[:2], (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        return np.asarray(aligned, dtype=np.uint8)

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        """Returns (n, dimensions), unit-length rows; `faces` are (112, 112, 3)."""
        if not faces:
            return np.empty((0, self._dimensions), dtype=np.float32)
        features = self._features(faces)
        if self._flip:
            mirrored = self._features([face[:, ::-1] for face in faces])
            features += mirrored
            mirrored.fill(0)
        features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        return features

    def raw_features(self, faces: Sequence[RGBImage]) -> tuple[Embeddings, Embeddings]:
        """Returns (n, dimensions) twice: the network's own output for the faces and for their mirror images."""
        return self._features(faces), self._features([face[:, ::-1] for face in faces])

    def _features(self, faces: Sequence[RGBImage]) -> Embeddings:
        # insightface takes BGR and swaps to RGB on the way to the network.
        swapped = [np.ascontiguousarray(face[..., ::-1]) for face in faces]
        features = np.empty((len(faces), self._dimensions), dtype=np.float32)
        for start in range(0, len(swapped), self._batch):
            output = self._network.get_feat(swapped[start : start + self._batch])
            features[start : start + self._batch] = output
            output.fill(0)  # numpy does not clear small arrays that it frees, and a template is one
        return features
