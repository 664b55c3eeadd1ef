"""The card in a stream of small pictures, fast enough to say in time how it must be moved.

`locate` finds a card in any capture by features, in half a second. Here the picture is small and the question is asked
ten times a second: from where the card was a moment ago, or from a quadrangle of straight lines, the picture is brought
into the card's own frame, and the print is followed to where it truly is by optical flow (Lucas and Kanade 1981,
pyramids after Bouguet 2000) between the type's static print and the picture, both freed of brightness and contrast.
Nothing drifts, since every picture is compared with the type and not with the one before; so no picture is kept either.
What is found guides; a verdict looks again with `locate`.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.locating.quadrangles import quadrangles
from idproof.pipeline.card.view import CardView, Homography, card_corners_mm, project, resolution
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid

WIDTH_PX = 480
"""What pictures are scaled to before they come here, about."""

_PX_PER_MM = 3.0
_POINTS, _APART_PX = 140, 5
_AROUND_PX = 13  # over which brightness and contrast are evened out
_FLOOR = 60.0  # grey levels squared: flatter than that is no print
_WINDOW, _LEVELS = (11, 11), 2
_FLOW_ENDS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.03)
_TOLERANCE_PX = 1.5
_MIN_MATCHES = 18
_GUESSES = 5
_STEPS_FOUND, _STEPS_FAR = 2, 3
_FAR_PX = 5.0  # a step that moves less than this is exact: no other follows
LIKE = 0.27
"""Correlation with the static print from which on it is the card: cards of the type are above 0.4, other things below
0.15; what a finger or glare covers lowers it."""


@dataclass(frozen=True)
class CardTracker:
    """Follows one document type. Made once, used from any thread.

    Attributes:
        document: the type.
        print_: (height, width), its static print at 3 pixels a millimetre, evened out.
        grey: the same as grey levels.
        points: (n, 2), places of the print that can be followed.
    """

    document: DocumentType
    print_: NDArray[np.float32]
    grey: NDArray[np.uint8]
    points: NDArray[np.float32]

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Read the type's static print; raises `DocumentTypeInvalid` when there is too little of it."""
        template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
        if template is None:
            raise DocumentTypeInvalid(f"The template picture of {document.name} must exist.")
        size = (round(document.width_mm * _PX_PER_MM), round(document.height_mm * _PX_PER_MM))
        small = cv2.resize(template, size, interpolation=cv2.INTER_AREA)
        points = cv2.goodFeaturesToTrack(small, _POINTS, 0.05, _APART_PX)
        if points is None or len(points) < 2 * _MIN_MATCHES:
            raise DocumentTypeInvalid(f"The template picture of {document.name} shows too little static print.")
        print_ = _evened(small)
        return cls(document, print_, _grey(print_), points.reshape(-1, 2).astype(np.float32))

    def follow(self, image: RGBImage, before: CardView | None) -> CardView | None:
        """The card, close to where it was in a picture of the same size; None when it is not there."""
        if before is None or before.size != (image.shape[1], image.shape[0]):
            return None
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return self._settled(grey, before.homography @ self._mm_from_own(), _STEPS_FAR)

    def find(self, image: RGBImage) -> CardView | None:
        """The card, wherever it lies with its print upright; several times as costly as `follow`."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height, width = self.print_.shape
        own = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) - np.float32(0.5)
        for corners in quadrangles(image, _GUESSES):
            guess = cv2.getPerspectiveTransform(own, corners.astype(np.float32))
            found = self._settled(grey, np.asarray(guess, dtype=np.float64), _STEPS_FOUND)
            if found is not None:
                return found
        return None

    def rectified(self, image: RGBImage, view: CardView) -> RGBImage:
        """The card in its own frame at 3 pixels a millimetre."""
        height, width = self.print_.shape
        back = np.linalg.inv(view.homography @ self._mm_from_own())
        return np.asarray(cv2.warpPerspective(image, back, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def _mm_from_own(self) -> Homography:
        """Pixel centres lie at whole numbers, so the card's edge is half a pixel before the first one."""
        return np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, _PX_PER_MM]]) / _PX_PER_MM

    def _settled(self, grey: NDArray[Any], guess: Homography, most_steps: int) -> CardView | None:
        height, width = self.print_.shape
        matches, error = 0, float("nan")
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
        for _ in range(most_steps):
            own = _evened(cv2.warpPerspective(grey, np.linalg.inv(guess), (width, height), flags=cv2.INTER_LINEAR))
            moved = self._moved(own)
            if moved is None:
                return None
            correction, matches, error = moved
            guess = guess @ correction
            if np.abs(project(correction, corners) - corners).max() < _FAR_PX:
                break
        view = self._view(guess, (grey.shape[1], grey.shape[0]), matches, error)
        if view is None:
            return None
        own = _evened(cv2.warpPerspective(grey, np.linalg.inv(guess), (width, height), flags=cv2.INTER_LINEAR))
        return view if self._likeness(own) > LIKE else None

    def _moved(self, own: NDArray[np.float32]) -> tuple[Homography, int, float] | None:
        """Where the print is, seen from where it was thought to be."""
        found, good, _ = cv2.calcOpticalFlowPyrLK(
            self.grey,
            _grey(own),
            self.points[:, None],
            self.points[:, None].copy(),
            winSize=_WINDOW,
            maxLevel=_LEVELS,
            criteria=_FLOW_ENDS,
        )
        kept = np.asarray(good).ravel() > 0
        if kept.sum() < _MIN_MATCHES:
            return None
        there = found.reshape(-1, 2)[kept]
        correction, inliers = cv2.findHomography(
            self.points[kept], there, cv2.USAC_MAGSAC, _TOLERANCE_PX, maxIters=500, confidence=0.99
        )
        if np.shape(correction) != (3, 3) or inliers.sum() < _MIN_MATCHES:
            return None
        correction = np.asarray(correction, dtype=np.float64)
        agree = inliers.ravel() > 0
        errors = np.linalg.norm(project(correction, self.points[kept][agree].astype(np.float64)) - there[agree], axis=1)
        return correction, int(agree.sum()), float(np.sort(errors)[len(errors) // 2])

    def _view(self, guess: Homography, size: tuple[int, int], matches: int, error: float) -> CardView | None:
        homography = guess @ np.linalg.inv(self._mm_from_own())
        if abs(homography[2, 2]) < 1e-9:
            return None
        homography = homography / homography[2, 2]
        outline = project(homography, card_corners_mm(self.document))
        if not np.isfinite(outline).all() or not cv2.isContourConvex(outline.astype(np.float32)):
            return None
        return CardView(homography, size, matches, error, resolution(homography, self.document))

    def _likeness(self, own: NDArray[np.float32]) -> float:
        power = np.sqrt(float((own * own).mean()) * float((self.print_ * self.print_).mean()))
        return float((own * self.print_).mean()) / max(float(power), 1e-9)


def _evened(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Freed of what varies slowly, in units of the contrast around."""
    light = grey.astype(np.float32)
    light -= cv2.blur(light, (_AROUND_PX, _AROUND_PX))
    contrast = cv2.blur(light * light, (_AROUND_PX, _AROUND_PX))
    return np.asarray(light / np.sqrt(contrast + np.float32(_FLOOR)), dtype=np.float32)


def _grey(evened: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray((evened * 32 + 128).clip(0, 255), dtype=np.uint8)
