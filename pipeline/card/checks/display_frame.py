"""Does the card lie in the straight frame of a display?

What a phone or a monitor shows has edges in the card's own plane, straight and parallel to the card's: the end of the
lit area and the bezel. Put straight with the card they are long lines at one distance from its side, in every
capture. What lies on a table seldom is parallel to the card on two sides.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Role

NAME = "recapture_bezel"

_PX_PER_MM = 4.0
_REACH_MM = (1.2, 12.0)  # from the card's side outwards
_SOFT_PX = 1.0

_Profile = NDArray[np.float32]


def check(
    images: Mapping[Role, RGBImage], views: Mapping[Role, CardView], document: DocumentType, policy: Policy
) -> CheckResult:
    """`recapture_bezel`: the second strongest side's straightest line parallel to it, grey levels a pixel.

    A line counts with the least contrast that any capture gives it: several captures are needed, since in one alone
    the edge of a table or of a sheet may be as straight. Fails with `display_frame_found`.
    """
    captures = [sides(images[role], view, document) for role, view in views.items()]
    value = sorted(_agreed(np.stack(profiles)) for profiles in zip(*captures, strict=True))[-2]
    return policy.calibration.at_most(NAME, value, unit="grey levels a pixel", reason="display_frame_found")


def _agreed(profiles: _Profile) -> float:
    """Of the (captures, places) steps of one side the strongest that all captures show with one sign."""
    one_sign = (profiles > 0).all(axis=0) | (profiles < 0).all(axis=0)
    return float((np.abs(profiles).min(axis=0) * one_sign).max())


def sides(image: RGBImage, view: CardView, document: DocumentType) -> list[_Profile]:
    """Four profiles outwards from the card's sides: the median step along each side, grey levels a pixel."""
    s, m = _PX_PER_MM, _REACH_MM[1]
    to_mm = np.array([[1 / s, 0, 0.5 / s - m], [0, 1 / s, 0.5 / s - m], [0, 0, 1]])
    width, height = round((document.width_mm + 2 * m) * s), round((document.height_mm + 2 * m) * s)
    frame = cv2.warpPerspective(
        cv2.cvtColor(image, cv2.COLOR_RGB2GRAY),
        view.homography @ to_mm,
        (width, height),
        flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    soft = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _SOFT_PX)
    edge, skip = round(m * s), round((m - _REACH_MM[0]) * s)
    strips = (
        soft[:skip, edge : width - edge][::-1],
        soft[height - skip :, edge : width - edge],
        soft[edge : height - edge, :skip].T[::-1],
        soft[edge : height - edge, width - skip :].T,
    )
    return [np.median(np.diff(strip, axis=0), axis=1) for strip in strips]
