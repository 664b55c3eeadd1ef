"""Where is the card? Its static print is found by features and a robust homography, whatever lies around it.

Quick features first; where they do not find a card that its print then agrees with, thorough ones, and those in
stretched pictures. Close to where the first estimate puts it, the print is followed into the capture (`settle`),
which settles the corners to a fraction of a pixel.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.locating import features
from idproof.pipeline.card.locating.features import MIN_MATCHES, QUICK, THOROUGH, Features, Kind, Matches
from idproof.pipeline.card.locating.refinement import Settled, StaticPrint, enough
from idproof.pipeline.card.view import CardView, Homography, card_corners_mm, project, resolution
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardCutOff, CardNotFound, CardTooSmall, DocumentTypeInvalid, SeveralCards
from idproof.pipeline.types import Role

_SEARCH_SIDE = 1000  # longer side of the picture in which the card is searched
_SETTLED = 0.3  # share of the followed print that must agree with what quick features found
_PULL, _DIRECTIONS_DEG = 1.45, (0.0, 45.0, 90.0, 135.0)
_CUT_OFF = 0.01  # share of the picture's side that a corner may lie outside

_Points = NDArray[np.float64]


@dataclass(frozen=True)
class _Found:
    """A card in the search picture: canonical to search pixels, and all matches of the picture it was found in."""

    homography: Homography
    matches: Matches


@dataclass(frozen=True)
class CardLocator:
    """Finds one document type in captures. Made once, used from any thread."""

    document: DocumentType
    quick: Features
    thorough: Features
    print: StaticPrint

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Read the type's static print; raises `DocumentTypeInvalid` when it cannot serve as anchors."""
        template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
        if template is None or template.shape[::-1] != document.size_px:
            width, height = document.size_px
            raise DocumentTypeInvalid(
                f"The template picture of {document.name} must exist and have {width} × {height} pixels."
            )
        thorough, static = THOROUGH.anchors(template), StaticPrint.of(document, template)
        if len(thorough) < 4 * MIN_MATCHES or not enough(static.points):
            raise DocumentTypeInvalid(f"The template picture of {document.name} shows too little static print.")
        return cls(document, QUICK.anchors(template), thorough, static)

    def locate(self, image: RGBImage, role: Role, policy: Policy) -> CardView:
        """The one card in a capture.

        Raises:
            CardNotFound: no card of this type; `CardCutOff` or `CardTooSmall` when there is not enough of it.
            SeveralCards: more than one.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = min(1.0, _SEARCH_SIDE / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        to_full = _to_full(scale)
        found = self._search(small, self.quick, QUICK)
        settled = self.print.settle(grey, to_full @ found.homography) if found else None
        if found is None or settled is None or settled.share < _SETTLED:
            found = self._search(small, self.thorough, THOROUGH) or self._search_stretched(small)
            if found is None:
                raise CardNotFound(f"No card of type {self.document.name} was found in {role}.", capture=role)
            settled = self.print.settle(grey, to_full @ found.homography)
        self._check_alone(found, small.shape, role)
        view = self._view(grey, to_full @ found.homography, settled)
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

    def _search(self, picture: NDArray[Any], anchors: Features, kind: Kind) -> _Found | None:
        """A card in the picture, or None when nothing plausible is there."""
        matches = features.match(anchors, kind.find(picture), kind)
        homography = self._plausible(matches, picture.shape)
        return None if homography is None else _Found(homography, matches)

    def _plausible(self, matches: Matches, shape: tuple[int, ...]) -> Homography | None:
        homography, _ = matches.homography()
        if homography is None or not _is_card_shaped(self._outline(homography), shape):
            return None
        return homography

    def _search_stretched(self, small: NDArray[Any]) -> _Found | None:
        """Once more in pictures pulled wider in one direction: a card far from face on is squeezed in it.

        The first tilt of Yu and Morel, "ASIFT: an algorithm for fully affine invariant comparison" (2011).
        """
        for direction in _DIRECTIONS_DEG:
            pull = _pull(small.shape, direction)
            corners = project(pull, np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * np.array(small.shape[1::-1]))
            pull = np.array([[1, 0, -corners[:, 0].min()], [0, 1, -corners[:, 1].min()], [0, 0, 1]]) @ pull
            width, height = np.ceil(np.ptp(corners, axis=0)).astype(int)
            pulled = cv2.warpAffine(small, pull[:2], (int(width), int(height)), flags=cv2.INTER_LINEAR)
            found = self._search(pulled, self.thorough, THOROUGH)
            if found is not None:
                back = np.asarray(np.linalg.inv(pull), dtype=np.float64)
                matches = Matches(found.matches.anchors, project(back, found.matches.scene))
                return _Found(back @ found.homography, matches)
        return None

    def _check_alone(self, found: _Found, shape: tuple[int, ...], role: Role) -> None:
        """What the card found does not explain may be another one."""
        rest = found.matches.only(~_inside(found.matches.scene, self._outline(found.homography)))
        if self._plausible(rest, shape) is not None:
            raise SeveralCards(f"There is more than one card in {role}.", capture=role)

    def _view(self, grey: NDArray[Any], homography: Homography, settled: Settled | None) -> CardView:
        """As settled; as found by features where the print could not be followed."""
        refined = (settled.homography if settled else homography) @ self._canonical_from_mm()
        refined /= refined[2, 2]
        height, width = grey.shape
        return CardView(
            homography=refined,
            size=(width, height),
            matches=settled.agree if settled else 0,
            reprojection_px=float(np.median(settled.errors_px)) if settled else float("nan"),
            px_per_mm=resolution(refined, self.document),
        )

    def _check_usable(self, view: CardView, role: Role, policy: Policy) -> None:
        outline = project(view.homography, card_corners_mm(self.document))
        slack = _CUT_OFF * max(view.size)
        if (outline < -slack).any() or (outline > np.array(view.size) - 1 + slack).any():
            raise CardCutOff(f"The card in {role} is cut off; show the whole card.", capture=role)
        if view.px_per_mm < policy.min_px_per_mm:
            raise CardTooSmall(f"The card in {role} is too small; move closer.", capture=role)


def _to_full(scale: float) -> Homography:
    """Pixels of a picture reduced by `scale` to those of the whole one: centres lie at whole numbers in both."""
    offset = 0.5 / scale - 0.5
    return np.array([[1 / scale, 0, offset], [0, 1 / scale, offset], [0, 0, 1]])


def _pull(shape: tuple[int, ...], direction_deg: float) -> Homography:
    """(3, 3): turn about the middle, then pull downwards."""
    turn = cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), direction_deg, 1.0)
    return np.asarray(np.diag([1.0, _PULL, 1.0]) @ np.vstack([turn, [0, 0, 1]]), dtype=np.float64)


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
