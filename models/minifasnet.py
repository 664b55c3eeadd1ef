"""Networks of the MiniFASNet family, which tell a face before the camera from a print or a display.

Silent-Face-Anti-Spoofing (minivision, 2020, Apache-2.0) publishes two, for crops of 2.7 and 4.0 times the face's box,
80 × 80 pixels, with the classes print, real, display. The package faceplugin carries a third, of 2.7 times the box, 128
× 128 pixels, whose first class is real. All take BGR 0..255. Their probabilities are averaged; a face is real when
`real` has the highest mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.manifest import CLASSES
from idproof.models.session import CPU, open_session
from idproof.models.types import DetectedFace, RGBImage


@dataclass(frozen=True, slots=True)
class PassiveNetwork:
    """One network and its input.

    Attributes:
        model: serialised ONNX.
        scale: size of the crop as a multiple of the face's box.
        side: height and width of its input.
        real: index of the class for a face before the camera.
    """

    model: bytes = field(repr=False)
    scale: float
    side: int = 80
    real: int = 1


class MiniFASNet:
    """Classifies faces as real or not; safe to call from several threads.

    Args:
        networks: whose probabilities are averaged.
        threads: of each session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: a network does not take (n, 3, side, side) or has other than three classes.
    """

    def __init__(self, networks: Sequence[PassiveNetwork], threads: int = 1, provider: str = CPU) -> None:
        self._networks = [(open_session(network.model, threads, provider), network) for network in networks]
        for session, network in self._networks:
            inputs, outputs = session.get_inputs(), session.get_outputs()
            shape = [3, network.side, network.side]
            if len(inputs) != 1 or inputs[0].shape[1:] != shape or outputs[0].shape[1:] != [CLASSES]:
                raise ModelCorrupt(
                    "A passive network takes pictures of the side that the manifest states and answers with three "
                    "classes; this does not."
                )

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns the mean probability of `real`, 0..1, and whether no other class has a higher one."""
        answers = []
        for session, network in self._networks:
            cut = crop(image, face, network.scale, network.side)
            pixels = np.ascontiguousarray(cut[..., ::-1].transpose(2, 0, 1), dtype=np.float32)
            logits = session.run(None, {session.get_inputs()[0].name: pixels[None]})[0][0]
            probabilities = _softmax(np.asarray(logits, dtype=np.float64))
            others = np.delete(probabilities, network.real)
            answers.append(np.array([probabilities[network.real], *others]))
        mean = np.mean(answers, axis=0)
        return float(mean[0]), bool(mean.argmax() == 0)


def crop(image: RGBImage, face: DetectedFace, scale: float, side: int) -> RGBImage:
    """Returns (side, side, 3): the face's box enlarged by `scale`, or less in a small picture, moved to lie within."""
    height, width = image.shape[:2]
    x, y, across, down = face.box
    across, down = max(across, 1.0), max(down, 1.0)
    grown = min(scale, (width - 1) / across, (height - 1) / down)
    half_w, half_h = across * grown / 2, down * grown / 2
    middle_x = float(np.clip(x + across / 2, half_w, width - 1 - half_w))
    middle_y = float(np.clip(y + down / 2, half_h, height - 1 - half_h))
    left, top = max(0, int(middle_x - half_w)), max(0, int(middle_y - half_h))
    part = image[top : int(middle_y + half_h) + 1, left : int(middle_x + half_w) + 1]
    return np.asarray(cv2.resize(part, (side, side)), dtype=np.uint8)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
