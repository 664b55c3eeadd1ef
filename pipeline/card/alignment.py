"""Aligns the captures of one card to each other, more closely than each was aligned to the type's print."""

from collections.abc import Mapping

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import follow_points
from idproof.pipeline.card.view import CardView, Homography, pixels_from_mm
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role

# Chosen by hand on tuning cards; no outside source.
_POINTS, _QUALITY, _APART_PX = 400, 0.01, 10
_WINDOW_PX, _LEVELS = 21, 2
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02)
_AGREEMENT_PX = 1.0
_LEAST_AGREEING = 40


def align(
    images: Mapping[Role, RGBImage],
    rectified: Mapping[Role, RGBImage],
    views: Mapping[Role, CardView],
    document: DocumentType,
) -> list[RGBImage] | None:
    """Returns the card from each capture in the canonical frame of the first, to a fraction of a pixel.

    Each is resampled once, from its capture. None when too few points of the print agree.
    """
    first, *others = rectified
    base = cv2.cvtColor(rectified[first], cv2.COLOR_RGB2GRAY)
    corners = cv2.goodFeaturesToTrack(base, _POINTS, _QUALITY, _APART_PX)
    if corners is None:
        return None
    found = [rectified[first]]
    for role in others:
        grey = cv2.cvtColor(rectified[role], cv2.COLOR_RGB2GRAY)
        points = follow_points(
            np.asarray(base, dtype=np.uint8),
            np.asarray(grey, dtype=np.uint8),
            np.asarray(corners[:, 0], dtype=np.float32),
            window_px=_WINDOW_PX,
            levels=_LEVELS,
            criteria=_CRITERIA,
        )
        correction = _correction(points.start, points.end)
        if correction is None:
            return None
        to_frame = correction @ pixels_from_mm(document.px_per_mm) @ np.linalg.inv(views[role].homography)
        frame = cv2.warpPerspective(images[role], to_frame, document.size_px, flags=cv2.INTER_CUBIC)
        found.append(np.asarray(frame, dtype=np.uint8))
    return found


def _correction(start: np.ndarray, end: np.ndarray) -> Homography | None:
    """Homography that brings `end` to `start`; None when fewer than `_LEAST_AGREEING` points agree with it."""
    if len(start) < _LEAST_AGREEING:
        return None
    homography, agreeing = cv2.findHomography(end, start, cv2.RANSAC, _AGREEMENT_PX)
    if homography is None or int(np.count_nonzero(agreeing)) < _LEAST_AGREEING:
        return None
    return np.asarray(homography, dtype=np.float64)
