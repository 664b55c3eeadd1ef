"""Face detection with YuNet through OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023).
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
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

    Raises:
        ModelCorrupt: the weights are not such a network.
    """

    def __init__(self, model: bytes, longest_side: int = 640) -> None:
        self._model = np.frombuffer(model, dtype=np.uint8)
        self._longest_side = longest_side
        try:
            self._open((320, 320))
        except cv2.error:
            raise ModelCorrupt("The weights are not a detector that OpenCV can open.") from None

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """All faces of one picture, largest first; boxes and landmarks in the picture's own pixels."""
        height, width = image.shape[:2]
        scale = min(1.0, self._longest_side / max(height, width, 1))
        size = (round(width * scale), round(height * scale))
        if min(size) < _MIN_SIDE:
            return []
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        # OpenCV's stubs do not say that it answers None where there is no face.
        found = cast("NDArray[np.float32] | None", self._open(size).detect(bgr)[1])
        to_full = np.array([width / size[0], height / size[1]], dtype=np.float32)
        faces = [_face(row, to_full) for row in ([] if found is None else found)]
        return sorted(faces, key=lambda face: face.area, reverse=True)

    def _open(self, size: tuple[int, int]) -> cv2.FaceDetectorYN:
        """A detector for one picture, which costs 3 ms.

        One that is kept gives wrong boxes when several threads call it, and keeps its last picture as floats, in
        buffers that a smaller picture does not overwrite.
        """
        no_config = np.empty(0, dtype=np.uint8)
        return cv2.FaceDetectorYN.create("onnx", self._model, no_config, size, _MIN_SCORE, _OVERLAP, _CANDIDATES)


def _face(row: NDArray[np.float32], to_full: NDArray[np.float32]) -> DetectedFace:
    x, y, width, height = (float(value) for value in row[:4] * np.tile(to_full, 2))
    # OpenCV names the points by the person's own sides, right first; seen in the picture they run from left to right.
    landmarks = row[4:14].reshape(5, 2) * to_full
    return DetectedFace(box=(x, y, width, height), landmarks=landmarks, score=float(row[14]))
