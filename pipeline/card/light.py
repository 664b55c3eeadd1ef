"""Measures whether captures of the card had enough light: how strong the sensor's noise is against the card's light."""

from collections.abc import Mapping

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import noise_map
from idproof.pipeline.card.view import CardView, corners
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role

MOST_NOISE = 0.013
"""Noise as a share of the light, beyond which a capture is too dark. Calibrated on bona fide tuning cards alone: six
of `specimen make --seed 5101 --split tuning`, each rendered with nine pairs of exposure and sensor noise, from 0.85 and
4.5 to 0.2 and 6. Up to 0.0130 they pass every check, and at 0.0133 the first one fails. The 120 cards of the
calibration measure 0.002 to 0.006."""

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_BLOCK_PX = 6
_QUANTILES = np.linspace(0.02, 0.35, 8)  # of the blocks' noise: the share that is flat shows noise, not print
_TO_DEVIATION = float(np.sqrt(np.pi / 2) / 6)  # mean absolute response of Immerkær's kernel to standard deviation


def is_too_dark(images: Mapping[Role, RGBImage], views: Mapping[Role, CardView], document: DocumentType) -> bool:
    """Returns true when noise is strong against the card's light in any of the captures."""
    return any(noise_share(images[role], view, document) > MOST_NOISE for role, view in views.items())


def noise_share(image: RGBImage, view: CardView, document: DocumentType) -> float:
    """Standard deviation of the noise on the card, over the card's median grey level, in the green channel.

    Measured in the capture's own pixels, since rectifying smooths noise, and in the flattest blocks, which show about
    four fifths of it.
    """
    outline = corners(view, document)
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    high = np.ceil(outline.max(axis=0)).astype(int)
    green = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0], 1]).astype(np.float32)
    card = np.zeros(green.shape, dtype=np.uint8)
    cv2.fillConvexPoly(card, np.asarray(outline - low, dtype=np.int32), 1)
    size = green.shape[1] // _BLOCK_PX, green.shape[0] // _BLOCK_PX
    noise, light, share = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        for values in (noise_map(green), green, card.astype(np.float32))
    )
    inside = share > 1 - 1 / _BLOCK_PX**2
    deviation = _TO_DEVIATION * float(np.quantile(noise[inside], _QUANTILES).mean())
    return deviation / max(float(np.median(light[inside])), 1.0)
