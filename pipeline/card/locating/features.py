"""Features of a card's print: detection, matching and a robust homography.

Two methods. Rublee et al., "ORB: an efficient alternative to SIFT or SURF" (2011), is quick and finds nearly every
card. Lowe, "Distinctive image features from scale-invariant keypoints" (2004), takes ten times as long and finds cards
that are turned far, small or blurred. The robust estimate is Barath et al., "MAGSAC++" (2020).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.view import Homography

Points = NDArray[np.float64]

# Chosen by hand on tuning cards; no outside source.
MIN_MATCHES = 24
"""Agreeing matches without which there is no homography."""
_ORB_FEATURES, _ORB_ANCHORS = 2500, 1000
_ORB_FAST_THRESHOLD = 7
_ORB_ANCHOR_SCALE = 0.6  # of the canonical frame: the size that the card has in most captures
_SIFT_FEATURES, _SIFT_CONTRAST = 3000, 0.02
_TOLERANCE_PX = 4.0
_ITERATIONS, _CONFIDENCE = 4000, 0.999


@dataclass(frozen=True)
class Features:
    """Features of one picture.

    Attributes:
        points: (n, 2) pixels.
        descriptors: (n, d), compared by their Euclidean distance.
    """

    points: Points
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class FeatureMethod:
    """One way to detect and to compare features.

    Attributes:
        detect: returns the features of a grey picture.
        anchors: returns the features of a grey template that are searched for.
        ratio: ratio of the nearest to the second nearest squared distance, below which a match is clear.
    """

    detect: Callable[[NDArray[Any]], Features]
    anchors: Callable[[NDArray[Any]], Features]
    ratio: float


@dataclass(frozen=True)
class Matches:
    """Features of a scene with the anchors that they resemble: (n, 2) each, row by row."""

    anchors: Points
    scene: Points

    def only(self, mask: NDArray[np.bool_]) -> "Matches":
        """The matches where the mask is true."""
        return Matches(self.anchors[mask], self.scene[mask])

    def homography(self, tolerance_px: float = _TOLERANCE_PX) -> tuple[Homography | None, NDArray[np.bool_]]:
        """Estimates anchors to scene; returns it with the matches that agree, or None when too few do."""
        nothing = np.zeros(len(self.scene), dtype=np.bool_)
        if len(self.scene) < MIN_MATCHES:
            return None, nothing
        homography, inliers = cv2.findHomography(
            self.anchors,
            self.scene,
            cv2.USAC_MAGSAC,
            tolerance_px,
            maxIters=_ITERATIONS,
            confidence=_CONFIDENCE,
        )
        if np.shape(homography) != (3, 3):
            return None, nothing
        agree = np.asarray(inliers).ravel() > 0
        if agree.sum() < MIN_MATCHES:
            return None, agree
        return np.asarray(homography, dtype=np.float64), agree


def match(anchors: Features, scene: Features, ratio: float) -> Matches:
    """Matches each feature of the scene with an anchor, where one anchor is clearly the nearest.

    The search starts from the scene's side: two cards in one picture then both keep their matches, and neither makes
    the other's ambiguous.

    Args:
        anchors: features of the template.
        scene: features of the picture.
        ratio: as in `FeatureMethod`.
    """
    if len(scene) < MIN_MATCHES:
        return Matches(np.empty((0, 2)), np.empty((0, 2)))
    # Squared distances by one matrix product. The scene's own term is the same for all anchors of a row, so it is
    # added to the two nearest only.
    distances = scene.descriptors @ (-2 * anchors.descriptors.T)
    distances += (anchors.descriptors**2).sum(axis=1)
    rows, scene_term = np.arange(len(scene)), (scene.descriptors**2).sum(axis=1)
    nearest = distances.argmin(axis=1)
    first = distances[rows, nearest] + scene_term
    distances[rows, nearest] = np.inf
    clear = first < ratio * (distances.min(axis=1) + scene_term)
    return Matches(anchors.points[nearest[clear]], scene.points[clear])


@dataclass(frozen=True)
class FeatureSearch:
    """A search for one template.

    Attributes:
        method: detects and compares features.
        anchors: the template's features.
    """

    method: FeatureMethod
    anchors: Features

    @classmethod
    def of(cls, template: NDArray[Any], method: FeatureMethod) -> Self:
        """Detects the anchors in a grey template."""
        return cls(method, method.anchors(template))

    def matches(self, grey: NDArray[Any]) -> Matches:
        """Matches the features of a grey picture with the anchors."""
        return match(self.anchors, self.method.detect(grey), self.method.ratio)


def _orb(grey: NDArray[Any], count: int) -> Features:
    # Each call creates its own detector: that is cheap, and OpenCV does not promise that threads can share one.
    keypoints, bits = cv2.ORB.create(count, fastThreshold=_ORB_FAST_THRESHOLD).detectAndCompute(grey, None)
    if not keypoints:
        return Features(np.empty((0, 2)), np.empty((0, 256), dtype=np.float32))
    # With bits as -1 and 1 the squared distance is four times the number of bits that differ.
    signs = np.unpackbits(np.asarray(bits, dtype=np.uint8), axis=1).astype(np.float32) * 2 - 1
    return Features(_points(keypoints), signs)


def _orb_anchors(template: NDArray[Any]) -> Features:
    scale = _ORB_ANCHOR_SCALE
    small = cv2.resize(template, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = _orb(small, _ORB_ANCHORS)
    return Features((found.points + 0.5) / scale - 0.5, found.descriptors)


def _sift(grey: NDArray[Any]) -> Features:
    detector = cv2.SIFT.create(nfeatures=_SIFT_FEATURES, contrastThreshold=_SIFT_CONTRAST)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    if not keypoints:
        return Features(np.empty((0, 2)), np.empty((0, 128), dtype=np.float32))
    return Features(_points(keypoints), np.asarray(descriptors, dtype=np.float32))


def _points(keypoints: Any) -> Points:
    return np.array([keypoint.pt for keypoint in keypoints], dtype=np.float64)


QUICK = FeatureMethod(lambda grey: _orb(grey, _ORB_FEATURES), _orb_anchors, ratio=0.85)
"""ORB. Its ratio is chosen by hand on tuning cards; no outside source."""
THOROUGH = FeatureMethod(_sift, _sift, ratio=0.8**2)
"""SIFT. Its ratio is Lowe's 0.8, squared as the distances are."""
