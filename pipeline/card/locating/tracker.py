"""Follows the card in a stream of small pictures, ten times per second, for guidance.

`CardLocator` finds a card in any capture by features, in half a second. The tracker starts from the card's place in the
picture before, or from a quadrangle of straight lines. It warps the picture into the card's own frame and follows the
static print there by optical flow, after both were normalised for brightness and contrast. Every picture is compared
with the type and not with the picture before: errors do not add up, and no picture is kept. The result serves
guidance only; a verdict locates the card again with `CardLocator`.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import Grey, Plane, follow_points
from idproof.pipeline.card.locating.quadrangles import quadrangles
from idproof.pipeline.card.template import read_template, too_little_print
from idproof.pipeline.card.view import CardView, Homography, card_corners_mm, mm_from_pixels, project, resolution
from idproof.pipeline.documents import DocumentType

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
WIDTH_PX = 480
"""Width, about, that pictures are scaled to before they come here."""
_PX_PER_MM = 3.0
_MAX_POINTS, _APART_PX, _CORNER_QUALITY = 140, 5, 0.05
_EVENING_PX = 13  # side of the square over which brightness and contrast are evened out
_FLAT_VARIANCE = 60.0  # grey levels squared, added so that flat places stay flat
_CONTRAST_GAIN = 32  # grey levels of the followed picture per unit of contrast
_WINDOW_PX, _LEVELS = 11, 2
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.03)  # 30 steps, or until a step is below 0.03 px
_TOLERANCE_PX = 1.5
_ITERATIONS, _CONFIDENCE = 500, 0.99  # of MAGSAC++
_MIN_MATCHES = 18
_MAX_QUADRANGLES = 5
_STEPS_AFTER_SEARCH, _STEPS_FOLLOWING = 2, 3
_EXACT_STEP_PX = 5.0  # no further step follows one that moves every corner by less
# Correlation with the static print from which on it is a card of the type. Measured on tuning pictures: cards of the
# type are above 0.4 and other things below 0.15. A finger or glare over the card lowers it.
_MIN_CORRELATION = 0.27


@dataclass(frozen=True)
class CardTracker:
    """Follows cards of one document type. Made once, used from any thread.

    Attributes:
        document: the type.
        contrast: (height, width), local contrast of its static print at 3 pixels per millimetre.
        grey: the same as grey levels.
        points: (n, 2), points of the print that are followed.
    """

    document: DocumentType
    contrast: Plane
    grey: Grey
    points: NDArray[np.float32]

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Reads the type's static print; raises `DocumentTypeInvalid` when there is too little of it."""
        size = (round(document.width_mm * _PX_PER_MM), round(document.height_mm * _PX_PER_MM))
        small = cv2.resize(read_template(document), size, interpolation=cv2.INTER_AREA)
        points = cv2.goodFeaturesToTrack(small, _MAX_POINTS, _CORNER_QUALITY, _APART_PX)
        if points is None or len(points) < 2 * _MIN_MATCHES:
            raise too_little_print(document)
        contrast = _even_out(small)
        return cls(document, contrast, _grey_levels(contrast), points.reshape(-1, 2).astype(np.float32))

    def follow(self, image: RGBImage, before: CardView | None) -> CardView | None:
        """Finds the card close to its place in a picture of the same size; None when it is not there."""
        if before is None or before.size != (image.shape[1], image.shape[0]):
            return None
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return self._refine(grey, before.homography @ mm_from_pixels(_PX_PER_MM), _STEPS_FOLLOWING)

    def find(self, image: RGBImage) -> CardView | None:
        """Finds the card anywhere, with its print upright; several times as costly as `follow`."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        frame = self._frame_corners() - 0.5
        for corners in quadrangles(image, _MAX_QUADRANGLES):
            guess = cv2.getPerspectiveTransform(frame.astype(np.float32), corners.astype(np.float32))
            found = self._refine(grey, np.asarray(guess, dtype=np.float64), _STEPS_AFTER_SEARCH)
            if found is not None:
                return found
        return None

    def rectified(self, image: RGBImage, view: CardView) -> RGBImage:
        """Returns the card in its own frame at 3 pixels per millimetre."""
        return self._warp(image, view.homography @ mm_from_pixels(_PX_PER_MM))

    def _frame_corners(self) -> NDArray[np.float64]:
        height, width = self.contrast.shape
        return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)

    def _warp(self, picture: NDArray[Any], homography: Homography) -> NDArray[np.uint8]:
        """The card's own frame from a picture, by frame pixels to picture pixels."""
        size = self.contrast.shape[::-1]
        warped = cv2.warpPerspective(picture, np.linalg.inv(homography), size, flags=cv2.INTER_LINEAR)
        return np.asarray(warped, dtype=np.uint8)

    def _refine(self, grey: NDArray[Any], guess: Homography, most_steps: int) -> CardView | None:
        matches, error = 0, float("nan")
        corners = self._frame_corners()
        for _ in range(most_steps):
            step = self._step(_even_out(self._warp(grey, guess)))
            if step is None:
                return None
            correction, matches, error = step
            guess = guess @ correction
            if np.abs(project(correction, corners) - corners).max() < _EXACT_STEP_PX:
                break
        view = self._view(guess, (grey.shape[1], grey.shape[0]), matches, error)
        if view is None:
            return None
        return view if self._correlation(_even_out(self._warp(grey, guess))) > _MIN_CORRELATION else None

    def _step(self, frame: Plane) -> tuple[Homography, int, float] | None:
        """Follows the print in the warped picture.

        Returns:
            The correction of the place, the points that agree and their median error in pixels; None when too few
            points agree.
        """
        start, end = follow_points(
            self.grey,
            _grey_levels(frame),
            self.points,
            window_px=_WINDOW_PX,
            levels=_LEVELS,
            criteria=_CRITERIA,
        )
        if len(start) < _MIN_MATCHES:
            return None
        correction, inliers = cv2.findHomography(
            start, end, cv2.USAC_MAGSAC, _TOLERANCE_PX, maxIters=_ITERATIONS, confidence=_CONFIDENCE
        )
        if np.shape(correction) != (3, 3) or inliers.sum() < _MIN_MATCHES:
            return None
        correction = np.asarray(correction, dtype=np.float64)
        agree = inliers.ravel() > 0
        errors = np.linalg.norm(project(correction, start[agree].astype(np.float64)) - end[agree], axis=1)
        return correction, int(agree.sum()), float(np.sort(errors)[len(errors) // 2])

    def _view(self, guess: Homography, size: tuple[int, int], matches: int, error: float) -> CardView | None:
        homography = guess @ np.linalg.inv(mm_from_pixels(_PX_PER_MM))
        if abs(homography[2, 2]) < 1e-9:
            return None
        homography = homography / homography[2, 2]
        outline = project(homography, card_corners_mm(self.document))
        if not np.isfinite(outline).all() or not cv2.isContourConvex(outline.astype(np.float32)):
            return None
        return CardView(homography, size, matches, error, resolution(homography, self.document))

    def _correlation(self, frame: Plane) -> float:
        power = np.sqrt(float((frame * frame).mean()) * float((self.contrast * self.contrast).mean()))
        return float((frame * self.contrast).mean()) / max(float(power), 1e-9)


def _even_out(grey: NDArray[Any]) -> Plane:
    """Removes slow variation; the result is in units of the contrast around each pixel.

    `imaging.local_contrast` does the same more thoroughly and at several times the cost.
    """
    light = grey.astype(np.float32)
    light -= cv2.blur(light, (_EVENING_PX, _EVENING_PX))
    variance = cv2.blur(light * light, (_EVENING_PX, _EVENING_PX))
    return np.asarray(light / np.sqrt(variance + np.float32(_FLAT_VARIANCE)), dtype=np.float32)


def _grey_levels(contrast: Plane) -> Grey:
    return np.asarray((contrast * _CONTRAST_GAIN + 128).clip(0, 255), dtype=np.uint8)
