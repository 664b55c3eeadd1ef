"""Features of a card's print: found in a picture, told apart, and matched with a robust homography.

Two kinds. Rublee et al., "ORB: an efficient alternative to SIFT or SURF" (2011), is quick and finds nearly every card;
Lowe, "Distinctive image features from scale-invariant keypoints" (2004), takes ten times as long and finds those
that are turned far, small or blurred. The robust estimate is Barath et al., "MAGSAC++" (2020).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.view import Homography

Points = NDArray[np.float64]
MIN_MATCHES = 24

_QUICK, _QUICK_ANCHORS = 2500, 1000
_THOROUGH = 3000
_RANSAC_PX = 4.0


@dataclass(frozen=True)
class Features:
    """Where they are, and what each looks like.

    Attributes:
        points: (n, 2) pixels.
        descriptors: (n, d), to be compared by their Euclidean distance.
    """

    points: Points
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Kind:
    """One way to find and to compare features.

    Attributes:
        find: a grey picture to its features.
        anchors: a grey template to the features that are looked for.
        ratio: of the nearest to the second nearest squared distance, below which a match is clear.
    """

    find: Callable[[NDArray[Any]], Features]
    anchors: Callable[[NDArray[Any]], Features]
    ratio: float


@dataclass(frozen=True)
class Matches:
    """Features of a scene with the anchors they look like: (n, 2) each, row by row."""

    anchors: Points
    scene: Points

    def only(self, mask: NDArray[np.bool_]) -> "Matches":
        """Those where the mask is true."""
        return Matches(self.anchors[mask], self.scene[mask])

    def homography(self, tolerance_px: float = _RANSAC_PX) -> tuple[Homography | None, NDArray[np.bool_]]:
        """From anchors to scene, with the matches that agree; None when too few do."""
        nothing = np.zeros(len(self.scene), dtype=np.bool_)
        if len(self.scene) < MIN_MATCHES:
            return None, nothing
        homography, inliers = cv2.findHomography(
            self.anchors, self.scene, cv2.USAC_MAGSAC, tolerance_px, maxIters=4000, confidence=0.999
        )
        if np.shape(homography) != (3, 3):
            return None, nothing
        agree = np.asarray(inliers).ravel() > 0
        if agree.sum() < MIN_MATCHES:
            return None, agree
        return np.asarray(homography, dtype=np.float64), agree


def match(anchors: Features, scene: Features, kind: Kind) -> Matches:
    """Each feature of the scene with its anchor, where one anchor is clearly the most alike.

    Asked from the scene's side: two cards in one picture then both keep their matches, instead of each making the
    other's ambiguous.
    """
    if len(scene) < MIN_MATCHES:
        return Matches(np.empty((0, 2)), np.empty((0, 2)))
    # Squared distances by one matrix product; what is the same for all anchors of a row is added to the two best.
    unlike = scene.descriptors @ (-2 * anchors.descriptors.T)
    unlike += (anchors.descriptors**2).sum(axis=1)
    rows, own = np.arange(len(scene)), (scene.descriptors**2).sum(axis=1)
    nearest = unlike.argmin(axis=1)
    best = unlike[rows, nearest] + own
    unlike[rows, nearest] = np.inf
    good = best < kind.ratio * (unlike.min(axis=1) + own)
    return Matches(anchors.points[nearest[good]], scene.points[good])


def _orb(grey: NDArray[Any], count: int) -> Features:
    # A detector of one's own a call: it is cheap, and sharing one between threads is not promised to be safe.
    keypoints, bits = cv2.ORB.create(count, fastThreshold=7).detectAndCompute(grey, None)
    if not keypoints:
        return Features(np.empty((0, 2)), np.empty((0, 256), dtype=np.float32))
    # Bits as -1 and 1: the squared distance is four times the number of bits that differ.
    signs = np.unpackbits(np.asarray(bits, dtype=np.uint8), axis=1).astype(np.float32) * 2 - 1
    return Features(_points(keypoints), signs)


def _orb_anchors(template: NDArray[Any]) -> Features:
    """At the size that the card has in most captures."""
    scale = 0.6
    small = cv2.resize(template, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = _orb(small, _QUICK_ANCHORS)
    return Features((found.points + 0.5) / scale - 0.5, found.descriptors)


def _sift(grey: NDArray[Any]) -> Features:
    keypoints, descriptors = cv2.SIFT.create(nfeatures=_THOROUGH, contrastThreshold=0.02).detectAndCompute(grey, None)
    if not keypoints:
        return Features(np.empty((0, 2)), np.empty((0, 128), dtype=np.float32))
    return Features(_points(keypoints), np.asarray(descriptors, dtype=np.float32))


def _points(keypoints: Any) -> Points:
    return np.array([keypoint.pt for keypoint in keypoints], dtype=np.float64)


QUICK = Kind(lambda grey: _orb(grey, _QUICK), _orb_anchors, ratio=0.85)
THOROUGH = Kind(_sift, _sift, ratio=0.8**2)
