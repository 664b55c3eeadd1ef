"""Checks that the card has colour: a photocopy in grey has none."""

from dataclasses import dataclass

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult

RECAPTURE_COPY = Quantity(
    "recapture_copy",
    "CIE Lab",
    "card_without_colour",
    Limit.AT_LEAST,
    ratio=True,
    lost_in_darkness=True,
    forged=2.1,
    speaks_to=(Hypothesis.COPY,),
)

_BLUR_PX = 1.5  # at half size; removes the sensor's colour noise. Chosen by hand; no outside source


@dataclass(frozen=True)
class Colour(Check):
    """`recapture_copy`: colourfulness of the least colourful capture; fails with `card_without_colour`.

    The value is the spread of CIE Lab a and b over the card, which the colour of the light changes little.
    """

    reports = (RECAPTURE_COPY,)
    single_capture = True

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Takes the least spread of all captures."""
        value = min(_chroma_spread(image) for image in card.rectified.values())
        return [RECAPTURE_COPY.judge(value, policy.calibration)]


def _chroma_spread(rectified: RGBImage) -> float:
    half = cv2.resize(rectified, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(half.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    a, b = (cv2.GaussianBlur(lab[..., i], (0, 0), _BLUR_PX) for i in (1, 2))
    return float(np.hypot(a.std(), b.std()))
