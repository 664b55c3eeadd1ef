"""Face detection with YuNet.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023). OpenCV's own detector for it gives wrong
boxes when several threads share it, and keeps its last picture in its buffers. Opened anew for each picture it costs
more than the detection itself. A session of onnxruntime has none of these faults.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.session import CPU, open_session
from idproof.models.types import DetectedFace, RGBImage

_MIN_SCORE = 0.7  # chosen by hand, no outside source; OpenCV's default is 0.9
_MAX_OVERLAP = 0.3  # intersection over union, OpenCV's default for YuNet
_MAX_CANDIDATES = 500  # bounds the work; chosen by hand, no outside source
_MIN_SIDE = 16  # pixels; chosen by hand, no outside source
_STRIDES = (8, 16, 32)  # of the network's three grids
_OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}

Rows = NDArray[np.float32]
"""(n, 15): left, top, width, height, five points, score."""


class YuNetDetector:
    """Finds faces; safe to call from several threads.

    Args:
        model: serialised float ONNX.
        longest_side: pictures are scaled down so that their longer side is at most this, in pixels.
        threads: of the session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: the weights are not such a network.
        EngineUnavailable: the provider is not there.
    """

    def __init__(self, model: bytes, longest_side: int = 640, threads: int = 1, provider: str = CPU) -> None:
        self._session = open_session(model, threads, provider)
        self._longest_side = longest_side
        outputs = {f"{part}_{stride}" for part in _OUTPUTS for stride in _STRIDES}
        if {entry.name for entry in self._session.get_outputs()} != outputs:
            raise ModelCorrupt("The weights are not a detector of faces such as YuNet.")

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """Returns all faces of one picture, largest first; boxes and landmarks in the picture's own pixels."""
        height, width = image.shape[:2]
        scale = min(1.0, self._longest_side / max(height, width, 1))
        size = (round(width * scale), round(height * scale))
        if min(size) < _MIN_SIDE:
            return []
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        to_full = np.array([width / size[0], height / size[1]], dtype=np.float32)
        faces = [_face(row, to_full) for row in _suppress_overlaps(self._candidates(small))]
        return sorted(faces, key=lambda face: face.area, reverse=True)

    def _candidates(self, image: RGBImage) -> Rows:
        """Returns all candidates, which may overlap."""
        height, width = image.shape[:2]
        coarsest = _STRIDES[-1]
        # Its strides must divide the picture: black below and on the right. It takes BGR, 0..255.
        tensor = np.zeros((1, 3, -(-height // coarsest) * coarsest, -(-width // coarsest) * coarsest), dtype=np.float32)
        tensor[0, :, :height, :width] = image[..., ::-1].transpose(2, 0, 1)
        names = [entry.name for entry in self._session.get_outputs()]
        answers = dict(zip(names, self._session.run(names, {"input": tensor}), strict=True))
        across = tensor.shape[3]
        return np.concatenate([_at_stride(answers, stride, across // stride) for stride in _STRIDES])


def _at_stride(answers: Mapping[str, NDArray[np.float32]], stride: int, columns: int) -> Rows:
    """Returns the candidates of one grid; each cell predicts one face around it."""
    cls, obj, bbox, kps = (answers[f"{part}_{stride}"].reshape(-1, width) for part, width in _OUTPUTS.items())
    scores = np.sqrt(cls.clip(0, 1) * obj.clip(0, 1)).ravel()
    likely = np.flatnonzero(scores >= _MIN_SCORE)
    cells = np.stack([likely % columns, likely // columns], axis=1).astype(np.float32)
    sizes = np.exp(bbox[likely, 2:]) * stride
    corners = (cells + bbox[likely, :2]) * stride - sizes / 2
    points = (kps[likely].reshape(-1, 5, 2) + cells[:, None]) * stride
    return np.concatenate([corners, sizes, points.reshape(-1, 10), scores[likely, None]], axis=1).astype(np.float32)


def _suppress_overlaps(rows: Rows) -> Rows:
    """Keeps the likeliest of overlapping candidates (non-maximum suppression)."""
    boxes, scores = rows[:, :4].astype(np.int64).tolist(), rows[:, 14].tolist()
    best = cv2.dnn.NMSBoxes(boxes, scores, _MIN_SCORE, _MAX_OVERLAP, top_k=_MAX_CANDIDATES) if boxes else ()
    return rows[np.asarray(best, dtype=np.intp)]


def _face(row: NDArray[np.float32], to_full: NDArray[np.float32]) -> DetectedFace:
    x, y, width, height = (float(value) for value in row[:4] * np.tile(to_full, 2))
    # The network names the points by the person's own sides, right first; seen in the picture they run from left to
    # right.
    landmarks = row[4:14].reshape(5, 2) * to_full
    return DetectedFace(box=(x, y, width, height), landmarks=landmarks, score=float(row[14]))
