"""Face templates by a network of the ArcFace kind.

Alignment and kind of network follow Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition"
(2019); the weights may be any network that takes aligned 112 × 112 faces, such as SFace. Templates and aligned faces
equal those of insightface, the paper's own code, which the tests compare them with. A verification does without
insightface: it would bring a client that downloads weights, and 37 MiB of memory per process.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.session import CPU, open_session
from idproof.models.types import Embeddings, RGBImage

SIDE = 112  # pixels, as in the ArcFace paper
POSITIONS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)
"""Places of the five landmarks in an aligned face, in pixels: as published with the ArcFace paper."""
# Bounds of the memory of one call, chosen by hand; no outside source. Where the processor computes, many faces leave
# its cache, and each takes up to twice the time.
_MAX_BATCH, _MAX_CPU_BATCH = 32, 3


class ArcFaceEmbedder:
    """Computes templates; safe to call from several threads.

    insightface guesses a network's mean and deviation from the names of its first operators; here the manifest gives
    them.

    Args:
        model: serialised float ONNX, RGB faces in and one template per face out, as `prepared` rewrites it.
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
        most = _MAX_CPU_BATCH if provider == CPU else _MAX_BATCH
        self._batch = 1 if inputs[0].shape[0] == 1 else most
        self._flip = flip
        self._session = session
        self._input, self._output = inputs[0].name, outputs[0].name
        self._mean, self._std = mean, std

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        return self._dimensions

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """Returns the face at (112, 112, 3), its five landmarks brought to the network's positions by a similarity.

        Equals insightface's `norm_crop`.

        Raises:
            ValueError: all landmarks are one point.
        """
        transform = similarity(landmarks.astype(np.float64), POSITIONS.astype(np.float64))
        aligned = cv2.warpAffine(image, transform, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
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
        features = np.empty((len(faces), self._dimensions), dtype=np.float32)
        for start in range(0, len(faces), self._batch):
            pictures = [np.ascontiguousarray(face) for face in faces[start : start + self._batch]]
            tensor = cv2.dnn.blobFromImages(pictures, 1 / self._std, (SIDE, SIDE), (self._mean,) * 3)
            output = self._session.run([self._output], {self._input: tensor})[0]
            features[start : start + self._batch] = output
            output.fill(0)  # numpy does not clear small arrays that it frees, and a template is one
        return features


def similarity(points: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the similarity, (2, 3), that brings points closest to positions, in the sense of least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991), equations 40 to
    43, in the plane.

    Args:
        points: (n, 2).
        positions: (n, 2).

    Raises:
        ValueError: all points are one point, or not finite.
    """
    from_middle, to_middle = points.mean(axis=0), positions.mean(axis=0)
    spread = points - from_middle
    variance = float(spread.var(axis=0).sum())
    if not variance > 0:  # nor for numbers that are none
        raise ValueError("a face's landmarks are not all one point")
    left, values, right = np.linalg.svd((positions - to_middle).T @ spread / len(points))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])  # a face is never mirrored
    turned = left @ np.diag(signs) @ right * ((values @ signs) / variance)
    return np.column_stack([turned, to_middle - turned @ from_middle])
