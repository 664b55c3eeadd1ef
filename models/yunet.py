"""Face detection with YuNet through OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023).
"""

import threading
from typing import cast

import cv2
import numpy as np
from idproof.models.types import DetectedFace, RGBImage
from numpy.typing import NDArray

_MIN_SCORE = 0.7
_OVERLAP = 0.3
_CANDIDATES = 500
_MIN_SIDE = 16
_BLANK = np.zeros((32, 32, 3), dtype=np.uint8)

# OpenCV's graph engine warns at every start that a default setting of the detector means nothing to it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


class YuNetDetector:
    """Finds faces; safe to call from several threads.

    Args:
        model: serialised float ONNX.
        longest_side: pictures are scaled down so that their longer side is at most this, in pixels.
    """

    def __init__(self, model: bytes, longest_side: int = 640) -> None:
        self._model = np.frombuffer(model, dtype=np.uint8)
        self._longest_side = longest_side
        # One detector object called from several threads gives wrong boxes; each thread has its own.
        self._local = threading.local()

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """All faces of one picture, largest first; boxes and landmarks in the picture's own pixels."""
        height, width = image.shape[:2]
        scale = min(1.0, self._longest_side / max(height, width, 1))
        size = (round(width * scale), round(height * scale))
        if min(size) < _MIN_SIDE:
            return []
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        detector = self._detector()
        try:
            rows = _run(detector, cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        finally:
            # OpenCV's network keeps its last input as floats until the next one: the next one is black.
            _run(detector, _BLANK)
        to_full = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return sorted((_face(row, to_full) for row in rows), key=lambda face: face.area, reverse=True)

    def _detector(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._local, "detector"):
            empty = np.empty(0, dtype=np.uint8)
            self._local.detector = cv2.FaceDetectorYN.create(
                "onnx", self._model, empty, (320, 320), _MIN_SCORE, _OVERLAP, _CANDIDATES
            )
        detector: cv2.FaceDetectorYN = self._local.detector
        return detector


def _run(detector: cv2.FaceDetectorYN, bgr: cv2.typing.MatLike) -> NDArray[np.float32]:
    """(n, 15) rows: box (x, y, width, height), five points, score."""
    detector.setInputSize((bgr.shape[1], bgr.shape[0]))
    # OpenCV's stubs do not say that it answers None where there is no face.
    found = cast("NDArray[np.float32] | None", detector.detect(bgr)[1])
    return np.empty((0, 15), np.float32) if found is None else found


def _face(row: NDArray[np.float32], to_full: NDArray[np.float32]) -> DetectedFace:
    x, y, width, height = (float(value) for value in row[:4] * np.tile(to_full, 2))
    # OpenCV names the points by the person's own sides, right first; seen in the picture they run from left to right.
    landmarks = row[4:14].reshape(5, 2) * to_full
    return DetectedFace(box=(x, y, width, height), landmarks=landmarks, score=float(row[14]))
