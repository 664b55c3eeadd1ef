"""The check for the straight frame of a display."""

from dataclasses import replace

import cv2
import numpy as np
from card_checks import measured

from idproof.pipeline.card.checks.display_frame import DisplayFrame
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome


def test_the_frame_of_a_display_is_found(document: DocumentType, card: CardCaptures) -> None:
    margin = np.array([[-4, -4], [4, -4], [4, 4], [-4, 4]])
    w, h = document.width_mm, document.height_mm
    outer = np.array([[0, 0], [w, 0], [w, h], [0, h]]) + margin
    images = {}
    for role, image in card.images.items():
        places = cv2.perspectiveTransform(outer[None].astype(np.float64), card.views[role].homography)
        images[role] = cv2.polylines(image.copy(), [places[0].round().astype(np.int32)], True, (255, 255, 255), 14)
    found = measured(DisplayFrame.open(document), replace(card, images=images))["recapture_bezel"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "display_frame_found")
