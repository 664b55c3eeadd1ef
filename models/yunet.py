"""Face detection with YuNet through OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023).
"""

import threading

import cv2
import numpy as np

from idproof.models.types import DetectedFace, RGBImage

_MIN_SCORE = 0.7
_OVERLAP = 0.3
_CANDIDATES = 500
_MIN_SIDE = 16

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
        scale = min(1.0, self._longest_side / max(height, width))
        size = (round(width * scale), round(height * scale))
        if min(size) < _MIN_SIDE:
            return []
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        detector = self._detector()
        detector.setInputSize(size)
        _, found = detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        rows = np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        # The network computes on whole multiples of its stride; a thumb's width off is what rounding costs.
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


def _face(row: np.ndarray, to_full: np.ndarray) -> DetectedFace:
    """One row of OpenCV's answer: box (x, y, w, h), five points, score."""
    x, y, w, h = (float(v) for v in row[:4] * np.tile(to_full, 2))
    # OpenCV names the points by the person's own sides; seen in the picture they run from left to right.
    landmarks = row[4:14].reshape(5, 2) * to_full
    return DetectedFace(box=(x, y, w, h), landmarks=landmarks.astype(np.float32), score=float(row[14]))
