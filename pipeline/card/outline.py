"""Finds the card's outline in a capture: how far its corners are rounded, and where its sides lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.edge_fit import EdgePatch, Floats
from idproof.pipeline.card.imaging import warp_with_margin
from idproof.pipeline.card.template import read_template
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType

_TOLERANCE_MM = 0.30
"""An edge counts as seen when it is determined at least this well: ISO/IEC 7810 allows the radius this much."""
_ASTRAY_MM = 2 * _TOLERANCE_MM  # an edge found further from its place is that of something else

# Chosen by hand on tuning cards; no outside source.
_PX_PER_MM = 8.0
_MARGIN_MM = 4.0
_STEP_MM = 0.1
_SPACING_MM = 0.05  # of the possible edges
_DIAGONAL_MM = (-2.5, 4.0)  # sampled along a corner's diagonal, from outside to inside, 0 at the sharp corner
_BESIDE_DIAGONAL_MM = np.linspace(-2.0, 2.0, 21)  # parallels of the diagonal that are sampled too
_RADII_MM = 6.0  # possible radii: 0 to this
_ACROSS_MM = (-2.0, 3.0)  # sampled across a side, from outside to inside
_PLACES_MM = (-1.4, 1.4)  # where across a side the edge may lie
_ALONG_STEP_MM = 0.5
_SEGMENT_MM = 4.0  # a side is examined piece by piece, since surroundings change along it
_OFF_CORNER_MM = 6.0  # pieces of sides stay off the corners
_STAGGER = 0.618  # golden section: spreads the rows' samples evenly, so that no place of the edge is preferred


@dataclass(frozen=True)
class Segment:
    """A piece of one side.

    Attributes:
        side: left, right, top, bottom: 0..3.
        middle: (x, y), millimetres on the card.
        patch: its surroundings.
    """

    side: int
    middle: tuple[float, float]
    patch: EdgePatch


class OutlineEvidence(NamedTuple):
    """Evidence of one capture, see `EdgePatch.evidence`: of each corner, and of each segment."""

    corners: tuple[Floats, ...]
    segments: tuple[Floats, ...]


@dataclass(frozen=True)
class OutlineFinder:
    """Patches of one document type's outline. Made once, used from any thread.

    Attributes:
        document: the type.
        corners: top left, top right, bottom right, bottom left.
        segments: pieces of the four sides.
    """

    document: DocumentType
    corners: tuple[EdgePatch, ...]
    segments: tuple[Segment, ...]

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read."""
        template = read_template(document)
        corners = tuple(_corner(template, document, x, y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)))
        return cls(document, corners, tuple(s for side in range(4) for s in _segments(template, document, side)))

    def frame(self, image: RGBImage, view: CardView) -> RGBImage:
        """The rectified card with its surroundings, which `evidence` examines."""
        return warp_with_margin(image, view, self.document, px_per_mm=_PX_PER_MM, margin_mm=_MARGIN_MM)

    def evidence(self, frame: RGBImage) -> OutlineEvidence:
        """Examines one capture's `frame`."""
        return OutlineEvidence(
            _evidence(self.corners, frame), _evidence([segment.patch for segment in self.segments], frame)
        )

    def radius(self, captures: Sequence[OutlineEvidence]) -> float | None:
        """The corners' radius in millimetres, by all corners and captures; None when it is not seen."""
        return self.corners[0].settle([curve for capture in captures for curve in capture.corners])

    def inset(self, side: int, captures: Sequence[OutlineEvidence]) -> float | None:
        """Distance in millimetres by which a side lies inside its expected place; None when it is not seen."""
        pieces = [i for i, segment in enumerate(self.segments) if segment.side == side]
        patch = self.segments[pieces[0]].patch
        return patch.settle([capture.segments[i] for capture in captures for i in pieces])

    def hidden(self, capture: OutlineEvidence) -> list[tuple[float, float]]:
        """Middles (x, y), in millimetres on the card, of the segments and corners that one capture does not show."""
        width, height = self.document.width_mm, self.document.height_mm
        at_corners = zip(((0.0, 0.0), (width, 0.0), (width, height), (0.0, height)), self.corners, strict=True)
        pieces = [(place, patch, self.document.corner_radius_mm) for place, patch in at_corners]
        pieces += [(segment.middle, segment.patch, 0.0) for segment in self.segments]
        found = []
        for (place, patch, expected), curve in zip(pieces, (*capture.corners, *capture.segments), strict=True):
            seen = patch.settle([curve])
            if seen is None or abs(seen - expected) > _ASTRAY_MM:
                found.append(place)
        return found


def _corner(template: NDArray[np.uint8], document: DocumentType, x: int, y: int) -> EdgePatch:
    inwards = np.array([1 - 2 * x, 1 - 2 * y]) / np.sqrt(2)
    beside = np.array([-inwards[1], inwards[0]])
    corner = np.array([x * document.width_mm, y * document.height_mm])
    a, b = _staggered(np.arange(*_DIAGONAL_MM, _STEP_MM), _BESIDE_DIAGONAL_MM)
    points = corner + a[:, None] * inwards + b[:, None] * beside
    # By geometry: a circle of radius r that touches both sides passes (a, b) when r = √2·a + √(a² - b²).
    reached = np.where(a > np.abs(b), np.sqrt(2) * a + np.sqrt(np.maximum(a * a - b * b, 0)), 0.0)
    radii = np.arange(0.0, _RADII_MM + _SPACING_MM / 2, _SPACING_MM)
    alike = (document.corner_radius_mm - _TOLERANCE_MM, document.corner_radius_mm)
    return EdgePatch.prepare(points, _print_at(template, points, document), reached, radii, alike)


def _segments(template: NDArray[np.uint8], document: DocumentType, side: int) -> list[Segment]:
    width, height = document.width_mm, document.height_mm
    upright, at = side < 2, (0.0, width, 0.0, height)[side]
    length, inwards = height if upright else width, 1.0 if at == 0 else -1.0
    count = int((length - 2 * _OFF_CORNER_MM) // _SEGMENT_MM)
    places = np.arange(_PLACES_MM[0], _PLACES_MM[1] + _SPACING_MM / 2, _SPACING_MM)
    found = []
    for start in length / 2 + (np.arange(count) - count / 2) * _SEGMENT_MM:
        rows = np.arange(start, start + _SEGMENT_MM, _ALONG_STEP_MM)
        across, along = _staggered(np.arange(*_ACROSS_MM, _STEP_MM), rows)
        pair = (at + inwards * across, along)
        points = np.column_stack(pair if upright else pair[::-1])
        patch = EdgePatch.prepare(points, _print_at(template, points, document), across, places, (0.0, _TOLERANCE_MM))
        middle = float(start + _SEGMENT_MM / 2)
        found.append(Segment(side, (at, middle) if upright else (middle, at), patch))
    return found


def _staggered(across: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """(n,) and (n,): places across and along the edge; each row lies a fraction of a step further than the others."""
    first, other = np.meshgrid(across, rows)
    return (first + _STEP_MM * (np.arange(len(rows)) * _STAGGER % 1)[:, None]).ravel(), other.ravel()


def _print_at(template: NDArray[np.uint8], points: Floats, document: DocumentType) -> Floats:
    """(n,): grey level of the template, of its nearest place for points outside the card."""
    places = (points * document.px_per_mm - 0.5).astype(np.float32)[None]
    sampled = cv2.remap(template, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled[0], dtype=np.float64)


def _evidence(patches: Sequence[EdgePatch], frame: RGBImage) -> tuple[Floats, ...]:
    """Evidence of patches with equally many points, which are sampled in one call: a card has 60."""
    points = np.stack([patch.points for patch in patches])
    places = ((points + _MARGIN_MM) * _PX_PER_MM - 0.5).astype(np.float32)
    colours = cv2.remap(frame, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    return tuple(
        patch.evidence(found) for patch, found in zip(patches, np.asarray(colours, dtype=np.float32), strict=True)
    )
