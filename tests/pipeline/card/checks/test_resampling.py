"""The check for captures resampled on a computer."""

from dataclasses import replace

import cv2
import numpy as np

from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.resampling import periodicity
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role

FRONT = Role.CARD_FRONT


def test_a_capture_enlarged_on_a_computer_is_periodic(document: DocumentType, card: CardCaptures) -> None:
    noise = np.random.default_rng(3).normal(120, 12, (720, 1280)).clip(0, 255).astype(np.uint8)
    source = cv2.GaussianBlur(noise, (0, 0), 0.6)
    enlarged = cv2.resize(source, None, fx=1.37, fy=1.37, interpolation=cv2.INTER_LINEAR)[:1080, :1920]
    fresh = np.random.default_rng(4).normal(120, 12, enlarged.shape).clip(0, 255).astype(np.uint8)
    wide = replace(card.views[FRONT], homography=np.array([[16.0, 0, 100], [0, 16.0, 80], [0, 0, 1]]))
    values = [periodicity(np.repeat(picture[..., None], 3, axis=2), wide, document) for picture in (enlarged, fresh)]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0] > 2 * values[1]
