"""The MiniFASNet ensemble of Silent-Face-Anti-Spoofing (minivision, 2020, Apache-2.0), for operators who have it.

Two networks are published, for crops of 2.7 and 4.0 times the face's box, each 80 × 80 pixels, BGR 0..255, with three
classes: print, real, display. Their probabilities are averaged; a face is real when `real` has the highest mean.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.session import CPU, open_session
from idproof.models.types import DetectedFace, RGBImage

SIDE, CLASSES, REAL = 80, 3, 1  # as published


class MiniFASNet:
    """Classifies faces as real or not; safe to call from several threads.

    Args:
        networks: serialised ONNX, and the multiple of the face's box in its crop.
        threads: of each session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: a network does not take (n, 3, 80, 80) or has other than three classes.
    """

    def __init__(self, networks: Sequence[tuple[bytes, float]], threads: int = 1, provider: str = CPU) -> None:
        self._networks = [(open_session(model, threads, provider), scale) for model, scale in networks]
        for session, _ in self._networks:
            inputs, outputs = session.get_inputs(), session.get_outputs()
            fits = len(inputs) == 1 and inputs[0].shape[1:] == [3, SIDE, SIDE] and outputs[0].shape[1:] == [CLASSES]
            if not fits:
                raise ModelCorrupt(
                    "A passive network takes (n, 3, 80, 80) and answers with three classes; this does not."
                )

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns the mean probability of `real`, 0..1, and whether no other class has a higher one."""
        answers = []
        for session, scale in self._networks:
            pixels = np.ascontiguousarray(crop(image, face, scale)[..., ::-1].transpose(2, 0, 1), dtype=np.float32)
            logits = session.run(None, {session.get_inputs()[0].name: pixels[None]})[0][0]
            answers.append(_softmax(np.asarray(logits, dtype=np.float64)))
        mean = np.mean(answers, axis=0)
        return float(mean[REAL]), bool(mean.argmax() == REAL)


def crop(image: RGBImage, face: DetectedFace, scale: float) -> RGBImage:
    """Returns (80, 80, 3): the face's box enlarged by `scale`, or less in a small picture, moved to lie within it."""
    height, width = image.shape[:2]
    x, y, across, down = face.box
    across, down = max(across, 1.0), max(down, 1.0)
    grown = min(scale, (width - 1) / across, (height - 1) / down)
    half_w, half_h = across * grown / 2, down * grown / 2
    middle_x = float(np.clip(x + across / 2, half_w, width - 1 - half_w))
    middle_y = float(np.clip(y + down / 2, half_h, height - 1 - half_h))
    left, top = max(0, int(middle_x - half_w)), max(0, int(middle_y - half_h))
    part = image[top : int(middle_y + half_h) + 1, left : int(middle_x + half_w) + 1]
    return np.asarray(cv2.resize(part, (SIDE, SIDE)), dtype=np.uint8)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
