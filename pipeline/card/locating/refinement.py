"""Where exactly is the card? Its static print, followed from the template into the capture, settles a first estimate.

Lucas and Kanade, "An iterative image registration technique" (1981), with Bouguet's pyramid. Both pictures are freed
of light and contrast before, so that only the print is compared; nothing that belongs to the person is followed.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.locating.features import MIN_MATCHES, Matches
from idproof.pipeline.card.view import Homography, project
from idproof.pipeline.documents import DocumentType

_POINTS, _APART_PX = 400, 10.0
_WINDOW_PX = 15
_PASSES = ((3, 4.0), (1, 1.5))  # levels of the pyramid above the first, and tolerance in pixels
_AGAIN, _MOST = 2, 0.9  # more of the last pass, while less of the print than this agrees and more does than before
_STEPS = (3, 20, 0.01)  # at most 20 steps, or until they are shorter than 0.01 px
_FINE_PX = 1.0  # what is finer is noise
_LIGHT_PX = 24  # what is smoother is light
_CONTRAST = 45.0
_NOISE = 9.0  # grey levels squared: flatter places stay flat

_Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Settled:
    """A homography that the static print agrees with.

    Attributes:
        homography: canonical pixels to capture pixels.
        agree: points of the print that do.
        share: of all that are followed.
        errors_px: (agree,) distances in the capture.
    """

    homography: Homography
    agree: int
    share: float
    errors_px: NDArray[np.float64]


@dataclass(frozen=True)
class StaticPrint:
    """The points of a type's print that are followed.

    Attributes:
        relief: (h, w), the template freed of light and contrast.
        points: (n, 1, 2) canonical pixels.
    """

    relief: _Grey
    points: NDArray[np.float32]

    @classmethod
    def of(cls, document: DocumentType, template: NDArray[Any]) -> Self:
        """From the type's template picture."""
        flat = relief(template)
        mask = np.full(template.shape, 255, dtype=np.uint8)
        for box in (document.portrait, *(s.box for s in document.fields), *(r.box for r in document.regions)):
            left, top, right, bottom = box.pixels(document.px_per_mm, pad_mm=0.3)
            mask[top:bottom, left:right] = 0
        found = cv2.goodFeaturesToTrack(flat, _POINTS, 0.01, _APART_PX, mask=mask, blockSize=7)
        points = np.empty((0, 1, 2)) if found is None else found.reshape(-1, 1, 2)
        return cls(flat, points.astype(np.float32))

    def settle(self, grey: NDArray[Any], homography: Homography) -> Settled | None:
        """Follow the print from where `homography` (canonical to capture pixels) puts it; None when too few agree."""
        settled = None
        for levels, tolerance in _PASSES:
            settled = self._follow(grey, homography, levels, tolerance)
            if settled is None:
                return None
            homography = settled.homography
        # A first estimate that was off at one corner comes closer with each pass: what was too far off agrees now.
        for _ in range(_AGAIN):
            if settled is None or settled.share >= _MOST:
                break
            again = self._follow(grey, settled.homography, *_PASSES[-1])
            if again is None or again.agree <= settled.agree:
                break
            settled = again
        return settled

    def _follow(self, grey: NDArray[Any], homography: Homography, levels: int, tolerance: float) -> Settled | None:
        size = self.relief.shape[::-1]
        inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        canonical = relief(cv2.warpPerspective(grey, homography, size, flags=inverse))
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            self.relief,
            canonical,
            self.points,
            np.empty_like(self.points),
            winSize=(_WINDOW_PX, _WINDOW_PX),
            maxLevel=levels,
            criteria=_STEPS,
        )
        seen = status.ravel() > 0
        matches = Matches(self.points[seen, 0].astype(np.float64), found[seen, 0].astype(np.float64))
        correction, agree = matches.homography(tolerance)
        if correction is None:
            return None
        settled, followed = homography @ correction, matches.only(agree)
        errors = np.linalg.norm(project(settled, followed.anchors) - project(homography, followed.scene), axis=1)
        return Settled(settled, int(agree.sum()), float(agree.sum() / len(self.points)), errors)


def enough(points: NDArray[np.float32]) -> bool:
    """Whether a type's print gives enough to follow."""
    return len(points) >= 2 * MIN_MATCHES


def relief(grey: NDArray[Any], scale: float = 1.0) -> _Grey:
    """(h, w): each pixel less its surroundings, over their spread; 128 where it equals them.

    `scale` is the picture's, of the canonical frame.
    """
    values = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _FINE_PX * scale)
    around = (round(_LIGHT_PX * scale / 2) * 2 + 1,) * 2
    mean, spread = cv2.blur(values, around), cv2.sqrBoxFilter(values, -1, around)
    # In place: at this size most of the time goes into fresh memory.
    values -= mean
    mean *= mean
    spread -= mean
    np.maximum(spread, 0, out=spread)
    spread += _NOISE
    np.sqrt(spread, out=spread)
    values /= spread
    values *= _CONTRAST
    values += 128
    np.clip(values, 0, 255, out=values)
    return np.asarray(values, dtype=np.uint8)
