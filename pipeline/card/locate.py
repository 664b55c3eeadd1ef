"""Where is the card? Its static print is found by features and a robust homography, whatever lies around it.

Lowe, "Distinctive image features from scale-invariant keypoints" (2004) for the features; Barath et al.,
"MAGSAC++" (2020) for the robust estimate. A first estimate brings the card into its own frame; there the print is
matched once more, close to where it must be, which settles the corners to a fraction of a pixel.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView, Homography, card_corners_mm, project, resolution
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardCutOff, CardNotFound, CardTooSmall, DocumentTypeInvalid, SeveralCards
from idproof.pipeline.types import Role

_SEARCH_SIDE = 1000  # longer side of the picture in which the card is searched
_FEATURES = 3000
_RATIO = 0.8  # Lowe's ratio of the nearest to the second nearest descriptor
_RANSAC_PX = 4.0
_REFINED_PX = 2.0
_MIN_MATCHES = 24
_REFINE_RADIUS_PX = 6.0
_PULL, _DIRECTIONS_DEG = 1.45, (0.0, 45.0, 90.0, 135.0)
_CUT_OFF = 0.01  # share of the picture's side that a corner may lie outside

_Points = NDArray[np.float64]


@dataclass(frozen=True)
class _Features:
    points: _Points
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)

    def only(self, mask: NDArray[np.bool_]) -> "_Features":
        return _Features(self.points[mask], self.descriptors[mask])


@dataclass(frozen=True)
class CardLocator:
    """Finds one document type in captures. Made once, used from any thread."""

    document: DocumentType
    anchors: _Features

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Read the type's static print; raises `DocumentTypeInvalid` when it cannot serve as anchors."""
        template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
        if template is None or template.shape[::-1] != document.size_px:
            width, height = document.size_px
            raise DocumentTypeInvalid(
                f"The template picture of {document.name} must exist and have {width} × {height} pixels."
            )
        anchors = _features(template)
        if len(anchors) < 4 * _MIN_MATCHES:
            raise DocumentTypeInvalid(f"The template picture of {document.name} shows too little static print.")
        return cls(document, anchors)

    def locate(self, image: RGBImage, role: Role, policy: Policy) -> CardView:
        """The one card in a capture.

        Raises:
            CardNotFound: no card of this type; `CardCutOff` or `CardTooSmall` when there is not enough of it.
            SeveralCards: more than one.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = min(1.0, _SEARCH_SIDE / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        scene = _features(small)
        first = self._search(scene, small.shape)
        if first is None:
            first = self._search_stretched(small)
        if first is None:
            raise CardNotFound(f"No card of type {self.document.name} was found in {role}.", capture=role)
        if self._search(scene.only(~_inside(scene.points, self._outline(first))), small.shape) is not None:
            raise SeveralCards(f"There is more than one card in {role}.", capture=role)
        to_full = np.diag([1 / scale, 1 / scale, 1.0])
        view = self._refine(grey, to_full @ first @ self._canonical_from_mm())
        self._check_usable(view, role, policy)
        return view

    def rectify(self, image: RGBImage, view: CardView) -> RGBImage:
        """The card in its canonical frame, (height, width, 3)."""
        to_canonical = self._canonical_from_mm() @ np.linalg.inv(view.homography)
        rectified = cv2.warpPerspective(image, to_canonical, self.document.size_px, flags=cv2.INTER_CUBIC)
        return np.asarray(rectified, dtype=np.uint8)

    def _canonical_from_mm(self) -> Homography:
        s = self.document.px_per_mm
        # Pixel centres lie at whole numbers, so the card's edge is half a pixel before the first one.
        return np.array([[s, 0, -0.5], [0, s, -0.5], [0, 0, 1]])

    def _outline(self, from_canonical: Homography) -> _Points:
        return project(from_canonical @ self._canonical_from_mm(), card_corners_mm(self.document))

    def _search(self, scene: _Features, shape: tuple[int, ...]) -> Homography | None:
        """Canonical pixels to scene pixels, or None when nothing plausible is there."""
        template_points, scene_points = _match(self.anchors, scene)
        if len(template_points) < _MIN_MATCHES:
            return None
        homography, inliers = _homography(template_points, scene_points, _RANSAC_PX)
        if homography is None or inliers.sum() < _MIN_MATCHES:
            return None
        return homography if _is_card_shaped(self._outline(homography), shape) else None

    def _search_stretched(self, small: NDArray[Any]) -> Homography | None:
        """Once more in pictures pulled wider in one direction: a card far from face on is squeezed in it.

        The first tilt of Yu and Morel, "ASIFT: an algorithm for fully affine invariant comparison" (2011).
        """
        for direction in _DIRECTIONS_DEG:
            pull = _pull(small.shape, direction)
            corners = project(pull, np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * np.array(small.shape[1::-1]))
            pull = np.array([[1, 0, -corners[:, 0].min()], [0, 1, -corners[:, 1].min()], [0, 0, 1]]) @ pull
            width, height = np.ceil(np.ptp(corners, axis=0)).astype(int)
            pulled = cv2.warpAffine(small, pull[:2], (int(width), int(height)), flags=cv2.INTER_LINEAR)
            found = self._search(_features(pulled), pulled.shape)
            if found is not None:
                return np.asarray(np.linalg.inv(pull) @ found, dtype=np.float64)
        return None

    def _refine(self, grey: NDArray[Any], homography: Homography) -> CardView:
        """Match again in the canonical frame, where scale and direction are known and neighbours are near."""
        to_canonical = self._canonical_from_mm() @ np.linalg.inv(homography)
        canonical = cv2.warpPerspective(grey, to_canonical, self.document.size_px, flags=cv2.INTER_LINEAR)
        template_points, found = _match_near(self.anchors, _features(canonical), _REFINE_RADIUS_PX)
        correction, inliers = _homography(template_points, found, _REFINED_PX)
        if correction is None or inliers.sum() < _MIN_MATCHES:
            correction, inliers = np.eye(3), np.ones(len(found), dtype=np.bool_)
        to_capture = np.linalg.inv(to_canonical)
        refined = to_capture @ correction @ self._canonical_from_mm()
        refined /= refined[2, 2]
        errors = np.linalg.norm(
            project(to_capture @ correction, template_points[inliers]) - project(to_capture, found[inliers]), axis=1
        )
        height, width = grey.shape
        return CardView(
            homography=refined,
            size=(width, height),
            matches=int(inliers.sum()),
            reprojection_px=float(np.median(errors)) if len(errors) else float("nan"),
            px_per_mm=resolution(refined, self.document),
        )

    def _check_usable(self, view: CardView, role: Role, policy: Policy) -> None:
        outline = project(view.homography, card_corners_mm(self.document))
        slack = _CUT_OFF * max(view.size)
        if (outline < -slack).any() or (outline > np.array(view.size) - 1 + slack).any():
            raise CardCutOff(f"The card in {role} is cut off; show the whole card.", capture=role)
        if view.px_per_mm < policy.min_px_per_mm:
            raise CardTooSmall(f"The card in {role} is too small; move closer.", capture=role)


def _pull(shape: tuple[int, ...], direction_deg: float) -> Homography:
    """(3, 3): turn about the middle, then pull downwards."""
    turn = cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), direction_deg, 1.0)
    return np.asarray(np.diag([1.0, _PULL, 1.0]) @ np.vstack([turn, [0, 0, 1]]), dtype=np.float64)


def _features(grey: NDArray[Any]) -> _Features:
    # A detector of one's own a call: it is cheap, and sharing one between threads is not promised to be safe.
    keypoints, descriptors = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02).detectAndCompute(grey, None)
    if not keypoints:
        return _Features(np.empty((0, 2)), np.empty((0, 128), dtype=np.float32))
    return _Features(np.array([k.pt for k in keypoints], dtype=np.float64), np.asarray(descriptors, dtype=np.float32))


def _homography(template: _Points, found: _Points, tolerance_px: float) -> tuple[Homography | None, NDArray[np.bool_]]:
    """From template to found points, with the points that agree; None when too few do."""
    nothing = np.zeros(len(found), dtype=np.bool_)
    if len(found) < _MIN_MATCHES:
        return None, nothing
    homography, inliers = cv2.findHomography(
        template, found, cv2.USAC_MAGSAC, tolerance_px, maxIters=4000, confidence=0.999
    )
    if np.shape(homography) != (3, 3):
        return None, nothing
    return np.asarray(homography, dtype=np.float64), np.asarray(inliers).ravel() > 0


def _match(template: _Features, scene: _Features) -> tuple[_Points, _Points]:
    """Each feature of the scene with its anchor, where one anchor is clearly the most alike.

    Asked from the scene's side: two cards in one picture then both keep their matches, instead of each making the
    other's ambiguous.
    """
    if len(scene) < _MIN_MATCHES:
        return np.empty((0, 2)), np.empty((0, 2))
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(scene.descriptors, template.descriptors, k=2)
    good = [best for best, second in pairs if best.distance < _RATIO * second.distance]
    return (
        template.points[[match.trainIdx for match in good]],
        scene.points[[match.queryIdx for match in good]],
    )


def _match_near(template: _Features, scene: _Features, radius: float) -> tuple[_Points, _Points]:
    """Each anchor with its most alike neighbour within `radius`; the more alike half of them."""
    if len(scene) == 0:
        return np.empty((0, 2)), np.empty((0, 2))
    near = cKDTree(template.points).sparse_distance_matrix(cKDTree(scene.points), radius, output_type="coo_matrix")
    if near.nnz == 0:
        return np.empty((0, 2)), np.empty((0, 2))
    unlike = np.linalg.norm(template.descriptors[near.row] - scene.descriptors[near.col], axis=1)
    order = np.lexsort((unlike, near.row))
    _, firsts = np.unique(near.row[order], return_index=True)
    best = order[firsts]
    # The other half is print that this copy of the card does not share, and chance.
    best = best[unlike[best] <= np.median(unlike[best])]
    return template.points[near.row[best]], scene.points[near.col[best]]


def _inside(points: _Points, outline: _Points) -> NDArray[np.bool_]:
    polygon = outline.astype(np.float32)
    return np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in points])


def _is_card_shaped(outline: _Points, shape: tuple[int, ...]) -> bool:
    """Whether a quadrangle could be a card seen from its printed side: convex, not mirrored, not a sliver."""
    edges = np.roll(outline, -1, axis=0) - outline
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    lengths = np.linalg.norm(edges, axis=1)
    area = cv2.contourArea(outline.astype(np.float32))
    return bool(
        (turns > 0).all()
        and area > 0.005 * shape[0] * shape[1]
        and lengths.max() < 4 * lengths.min()
        and np.isfinite(outline).all()
    )
