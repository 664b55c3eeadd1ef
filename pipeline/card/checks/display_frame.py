"""Checks that the card does not lie in the straight frame of a display.

A picture on a phone or a monitor is surrounded by edges in its own plane, straight and parallel to the card's sides:
the end of the lit area and the bezel. In the rectified capture they are long lines at one distance from a side of the
card, in every capture. Objects on a table are seldom parallel to the card on two sides.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane, warp_with_margin
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

RECAPTURE_BEZEL = Quantity(
    "recapture_bezel",
    "grey levels a pixel",
    "display_frame_found",
    Limit.AT_MOST,
    ratio=True,
    forged=20.0,
    speaks_to=(Hypothesis.DISPLAY, Hypothesis.REPLAY),
)

# Chosen by hand on tuning cards; no outside source.
_PX_PER_MM = 4.0
_DISTANCE_MM = (1.2, 12.0)  # from the card's side outwards
_BLUR_PX = 1.0


@dataclass(frozen=True)
class DisplayFrame(Check):
    """`recapture_bezel`: step of the straightest line parallel to a side, of the side with the second strongest.

    In grey levels per pixel. A line counts with the least contrast that any capture gives it: several captures are
    needed, since in one alone the edge of a table or of a sheet may be as straight. Fails with `display_frame_found`.
    """

    reports = (RECAPTURE_BEZEL,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Compares the surroundings of each side between all captures."""
        captures = [_side_profiles(card.images[role], view, self.document) for role, view in card.views.items()]
        strongest = sorted(_common_step(np.stack(profiles)) for profiles in zip(*captures, strict=True))
        return [RECAPTURE_BEZEL.judge(strongest[-2], policy.calibration)]


def _common_step(profiles: Plane) -> float:
    """The strongest of the (captures, places) steps of one side that all captures show with one sign."""
    one_sign = (profiles > 0).all(axis=0) | (profiles < 0).all(axis=0)
    return float((np.abs(profiles).min(axis=0) * one_sign).max())


def _side_profiles(image: RGBImage, view: CardView, document: DocumentType) -> list[Plane]:
    """Four profiles outwards from the card's sides: the median step along each side, grey levels per pixel."""
    nearest, furthest = _DISTANCE_MM
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    frame = warp_with_margin(grey, view, document, px_per_mm=_PX_PER_MM, margin_mm=furthest)
    smooth = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _BLUR_PX)
    height, width = smooth.shape
    edge, strip = round(furthest * _PX_PER_MM), round((furthest - nearest) * _PX_PER_MM)
    outwards = (
        smooth[:strip, edge : width - edge][::-1],
        smooth[height - strip :, edge : width - edge],
        smooth[edge : height - edge, :strip].T[::-1],
        smooth[edge : height - edge, width - strip :].T,
    )
    return [np.median(np.diff(side, axis=0), axis=1) for side in outwards]
