"""Puts the card of a capture straight, and lays a straightened card back, as an attacker with an image editor does."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE, size
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType


def to_flat(shot: Shot, document: DocumentType) -> NDArray[np.float64]:
    """(3, 3): pixels of a capture to pixels of the flat card at `SCALE`, by the card's corners."""
    width, height = document.width_mm * SCALE - 0.5, document.height_mm * SCALE - 0.5
    square = np.array([[-0.5, -0.5], [width, -0.5], [width, height], [-0.5, height]], dtype=np.float32)
    found = cv2.getPerspectiveTransform(shot.corners.astype(np.float32), square)
    return np.asarray(found, dtype=np.float64)


def flattened(shot: Shot, document: DocumentType) -> RGBImage:
    """Returns the card of a capture put straight, (h, w, 3) at `SCALE`."""
    moved = cv2.warpPerspective(
        shot.pixels, to_flat(shot, document), size(document), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8)


def laid_back(shot: Shot, flat: RGBImage, where: NDArray[np.float32], document: DocumentType) -> Shot:
    """Returns the capture with parts of a straightened card in it.

    Args:
        shot: the capture.
        flat: (h, w, 3) at `SCALE`.
        where: (h, w) at `SCALE`, how much of it is taken, 0..1.
        document: type of the card.
    """
    back, frame = np.linalg.inv(to_flat(shot, document)), shot.pixels.shape[1::-1]
    # An editor reduces pictures by averaging areas.
    ratio = SCALE * document.width_mm / float(np.linalg.norm(shot.corners[1] - shot.corners[0]))
    soft = cv2.GaussianBlur(flat, (0, 0), 0.4 * ratio) if ratio > 1.2 else flat
    moved = cv2.warpPerspective(soft, back, frame, flags=cv2.INTER_CUBIC).astype(np.float32)
    weight = cv2.warpPerspective(where, back, frame, flags=cv2.INTER_LINEAR)[..., None]
    mixed = shot.pixels * (1 - weight) + moved * weight
    return Shot(np.asarray((mixed + 0.5).clip(0, 255), dtype=np.uint8), shot.corners)
