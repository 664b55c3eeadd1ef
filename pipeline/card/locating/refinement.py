"""Refines a first estimate of the card's place by following its static print from the template into the capture.

Both pictures are normalised for light and contrast first, so that only the print is compared. Nothing that belongs to
the person is followed.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.imaging import Grey, follow_points, local_contrast
from idproof.pipeline.card.locating.features import MIN_MATCHES, Matches
from idproof.pipeline.card.template import static_print_mask
from idproof.pipeline.card.view import Homography, project
from idproof.pipeline.documents import DocumentType

# Chosen by hand on tuning cards; no outside source.
_MAX_POINTS, _APART_PX = 400, 10.0
_CORNER_QUALITY, _CORNER_BLOCK_PX = 0.01, 7  # of OpenCV's corner detector (Shi and Tomasi, "Good features", 1994)
_BESIDE_MM = 0.3  # strip beside the person's data that is not followed
_WINDOW_PX = 15
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)  # 20 steps, or until a step is below 0.01 px
_PASSES = ((3, 4.0), (1, 1.5))  # pyramid levels above the first, and tolerance in pixels
_EXTRA_PASSES = 2  # repeats of the last pass, while each makes more points agree
_ENOUGH_SHARE = 0.9  # share of agreeing points from which on no pass is repeated


@dataclass(frozen=True)
class RefinedPlace:
    """A homography that the static print agrees with.

    Attributes:
        homography: canonical pixels to capture pixels.
        matches: points of the print that agree.
        share: `matches` over all points that are followed.
        errors_px: (matches,) distances in the capture.
    """

    homography: Homography
    matches: int
    share: float
    errors_px: NDArray[np.float64]


@dataclass(frozen=True)
class StaticPrint:
    """The points of a type's print that are followed.

    Attributes:
        contrast: (h, w), local contrast of the template.
        points: (n, 2) canonical pixels.
    """

    contrast: Grey
    points: NDArray[np.float32]

    @classmethod
    def of(cls, document: DocumentType, template: Grey) -> Self:
        """Selects the points of the type's template picture."""
        contrast = local_contrast(template)
        found = cv2.goodFeaturesToTrack(
            contrast,
            _MAX_POINTS,
            _CORNER_QUALITY,
            _APART_PX,
            mask=static_print_mask(document, _BESIDE_MM).astype(np.uint8),
            blockSize=_CORNER_BLOCK_PX,
        )
        points = np.empty((0, 2)) if found is None else found.reshape(-1, 2)
        return cls(contrast, points.astype(np.float32))

    @property
    def sufficient(self) -> bool:
        """True when the print has enough points to be followed."""
        return len(self.points) >= 2 * MIN_MATCHES

    def refine(self, grey: NDArray[Any], homography: Homography) -> RefinedPlace | None:
        """Follows the print from its place by `homography` (canonical to capture pixels).

        Returns:
            The refined place, or None when too few points agree.
        """
        place = None
        for levels, tolerance in _PASSES:
            place = self._follow(grey, homography, levels, tolerance)
            if place is None:
                return None
            homography = place.homography
        # An estimate that is off at one corner comes closer with each pass, so that more points agree.
        for _ in range(_EXTRA_PASSES):
            if place is None or place.share >= _ENOUGH_SHARE:
                break
            again = self._follow(grey, place.homography, *_PASSES[-1])
            if again is None or again.matches <= place.matches:
                break
            place = again
        return place

    def _follow(self, grey: NDArray[Any], homography: Homography, levels: int, tolerance: float) -> RefinedPlace | None:
        size = self.contrast.shape[::-1]
        inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        canonical = local_contrast(cv2.warpPerspective(grey, homography, size, flags=inverse))
        start, end = follow_points(
            self.contrast, canonical, self.points, window_px=_WINDOW_PX, levels=levels, criteria=_CRITERIA
        )
        matches = Matches(start.astype(np.float64), end.astype(np.float64))
        correction, agree = matches.homography(tolerance)
        if correction is None:
            return None
        refined, agreeing = homography @ correction, matches.only(agree)
        errors = np.linalg.norm(project(refined, agreeing.anchors) - project(homography, agreeing.scene), axis=1)
        return RefinedPlace(refined, int(agree.sum()), float(agree.sum() / len(self.points)), errors)
