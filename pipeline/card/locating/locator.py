"""Finds the card in a capture by features of its static print, whatever lies around it.

Quick features come first. When they find no card, or one that the followed print does not agree with, thorough features
are tried, and then thorough features in stretched pictures. From the first estimate the print is followed into the
capture (`StaticPrint.refine`), which places the corners to a fraction of a pixel.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.locating.features import MIN_MATCHES, QUICK, THOROUGH, FeatureSearch, Matches
from idproof.pipeline.card.locating.refinement import RefinedPlace, StaticPrint
from idproof.pipeline.card.template import read_template, too_little_print
from idproof.pipeline.card.view import CardView, Homography, card_corners_mm, pixels_from_mm, project, resolution
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CardCutOff, CardNotFound, CardTooSmall, SeveralCards
from idproof.pipeline.types import Role

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_SEARCH_SIDE_PX = 1000  # longer side of the picture in which the card is searched
_LEAST_SHARE = 0.3  # share of the followed print that must agree with a place found by quick features
_STRETCH = 1.45  # about √2, the first tilt of Yu and Morel (2011)
_DIRECTIONS_DEG = (0.0, 45.0, 90.0, 135.0)
_CUT_OFF = 0.01  # share of the picture's longer side by which a corner may lie outside
_LEAST_ANCHORS = 4 * MIN_MATCHES
_LEAST_AREA = 0.005  # share of the picture's area
_SIDES_RATIO = 4  # longest over shortest side of an outline that could be a card's

_Points = NDArray[np.float64]


@dataclass(frozen=True)
class _Found:
    """A card in the search picture.

    Attributes:
        homography: canonical to search pixels.
        matches: all matches of the search picture.
    """

    homography: Homography
    matches: Matches


@dataclass(frozen=True)
class CardLocator:
    """Finds cards of one document type in captures. Made once, used from any thread.

    Attributes:
        document: the type.
        quick, thorough: searches for features of its template.
        print: the points of its template that are followed.
    """

    document: DocumentType
    quick: FeatureSearch
    thorough: FeatureSearch
    print: StaticPrint

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Reads the type's static print; raises `DocumentTypeInvalid` when it cannot be used."""
        template = read_template(document)
        thorough, static = FeatureSearch.of(template, THOROUGH), StaticPrint.of(document, template)
        if len(thorough.anchors) < _LEAST_ANCHORS or not static.sufficient:
            raise too_little_print(document)
        return cls(document, FeatureSearch.of(template, QUICK), thorough, static)

    def locate(self, image: RGBImage, role: Role, policy: Policy) -> CardView:
        """Finds the one card in a capture.

        Raises:
            CardNotFound: there is no card of this type.
            CardCutOff: a corner lies outside the capture.
            CardTooSmall: the card has fewer pixels per millimetre than the policy asks for.
            SeveralCards: there is more than one card.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = min(1.0, _SEARCH_SIDE_PX / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        to_full = _to_full(scale)
        found = self._search(small, self.quick)
        place = self.print.refine(grey, to_full @ found.homography) if found else None
        if found is None or place is None or place.share < _LEAST_SHARE:
            found = self._search(small, self.thorough) or self._search_stretched(small)
            if found is None:
                raise CardNotFound(f"No card of type {self.document.name} was found in {role}.", capture=role)
            place = self.print.refine(grey, to_full @ found.homography)
        self._check_alone(found, small.shape, role)
        view = self._view(grey, to_full @ found.homography, place)
        self._check_usable(view, role, policy)
        return view

    def find_roughly(self, image: RGBImage) -> CardView | None:
        """Finds the card in a small picture by quick features alone, also where a part of it lies outside; or None.

        A few pixels off, and not held to any policy: it serves guidance.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = max(1.0, _SEARCH_SIDE_PX / max(grey.shape))
        larger = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        found = self._search(larger, self.quick)
        return None if found is None else self._view(grey, _to_full(scale) @ found.homography, None)

    def rectify(self, image: RGBImage, view: CardView) -> RGBImage:
        """Returns the card in its canonical frame, (height, width, 3)."""
        to_canonical = pixels_from_mm(self.document.px_per_mm) @ np.linalg.inv(view.homography)
        rectified = cv2.warpPerspective(image, to_canonical, self.document.size_px, flags=cv2.INTER_CUBIC)
        return np.asarray(rectified, dtype=np.uint8)

    def _outline(self, from_canonical: Homography) -> _Points:
        return project(from_canonical @ pixels_from_mm(self.document.px_per_mm), card_corners_mm(self.document))

    def _search(self, picture: NDArray[Any], search: FeatureSearch) -> _Found | None:
        """A card in the picture, or None when nothing plausible is there."""
        matches = search.matches(picture)
        homography = self._plausible(matches, picture.shape)
        return None if homography is None else _Found(homography, matches)

    def _plausible(self, matches: Matches, shape: tuple[int, ...]) -> Homography | None:
        homography, _ = matches.homography()
        if homography is None or not _is_card_shaped(self._outline(homography), shape):
            return None
        return homography

    def _search_stretched(self, small: NDArray[Any]) -> _Found | None:
        """Searches in pictures stretched in one direction: a card far from face on is foreshortened in it.

        The first tilt of Yu and Morel, "ASIFT: an algorithm for fully affine invariant comparison" (2011).
        """
        for direction in _DIRECTIONS_DEG:
            stretch = _stretch(small.shape, direction)
            corners = project(stretch, np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * np.array(small.shape[1::-1]))
            stretch = np.array([[1, 0, -corners[:, 0].min()], [0, 1, -corners[:, 1].min()], [0, 0, 1]]) @ stretch
            width, height = np.ceil(np.ptp(corners, axis=0)).astype(int)
            stretched = cv2.warpAffine(small, stretch[:2], (int(width), int(height)), flags=cv2.INTER_LINEAR)
            found = self._search(stretched, self.thorough)
            if found is not None:
                back = np.asarray(np.linalg.inv(stretch), dtype=np.float64)
                matches = Matches(found.matches.anchors, project(back, found.matches.scene))
                return _Found(back @ found.homography, matches)
        return None

    def _check_alone(self, found: _Found, shape: tuple[int, ...], role: Role) -> None:
        """Raises `SeveralCards` when the matches outside the card found make up another card."""
        rest = found.matches.only(~_inside(found.matches.scene, self._outline(found.homography)))
        if self._plausible(rest, shape) is not None:
            raise SeveralCards(f"There is more than one card in {role}.", capture=role)

    def _view(self, grey: NDArray[Any], homography: Homography, place: RefinedPlace | None) -> CardView:
        """The refined place, or the place found by features when the print could not be followed."""
        refined = (place.homography if place else homography) @ pixels_from_mm(self.document.px_per_mm)
        refined /= refined[2, 2]
        height, width = grey.shape
        return CardView(
            homography=refined,
            size=(width, height),
            matches=place.matches if place else 0,
            reprojection_px=float(np.median(place.errors_px)) if place else float("nan"),
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
    """Pixels of a picture reduced by `scale` to pixels of the whole one; centres lie at whole numbers in both."""
    offset = 0.5 / scale - 0.5
    return np.array([[1 / scale, 0, offset], [0, 1 / scale, offset], [0, 0, 1]])


def _stretch(shape: tuple[int, ...], direction_deg: float) -> Homography:
    """(3, 3): a turn about the middle, then a stretch downwards."""
    turn = cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), direction_deg, 1.0)
    return np.asarray(np.diag([1.0, _STRETCH, 1.0]) @ np.vstack([turn, [0, 0, 1]]), dtype=np.float64)


def _inside(points: _Points, outline: _Points) -> NDArray[np.bool_]:
    polygon = outline.astype(np.float32)
    return np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in points])


def _is_card_shaped(outline: _Points, shape: tuple[int, ...]) -> bool:
    """Checks that a quadrangle could be a card seen from its printed side: convex, not mirrored, not a sliver."""
    edges = np.roll(outline, -1, axis=0) - outline
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    lengths = np.linalg.norm(edges, axis=1)
    area = cv2.contourArea(outline.astype(np.float32))
    return bool(
        (turns > 0).all()
        and area > _LEAST_AREA * shape[0] * shape[1]
        and lengths.max() < _SIDES_RATIO * lengths.min()
        and np.isfinite(outline).all()
    )
