"""Quadrangles of long straight lines in a small picture, as candidates for the card's place.

Line segments (von Gioi et al., "LSD: a line segment detector", 2012) of lightness and both colour differences are
joined where they continue each other. Two nearly level lines and two nearly upright ones make a quadrangle. The
tracker then checks whether the card's print is inside.
"""

from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage

# Chosen by hand on tuning pictures; no outside source. Pixels are those of the picture at `_SCALE`.
_SCALE = 0.5  # lines of cards are long enough to be seen in a quarter of the pixels
_BLUR_PX = 0.8  # removes most of the waves of a patterned ground, and no edge
_SHORTEST_PX = 10.0
_LINES = 10  # the longest of each direction
_MOST_SEGMENTS, _MOST_LINES = 250, 60  # of all directions
_COLLINEAR_PX, _COLLINEAR_COSINE = 1.3, 0.97  # distance and direction of segments that continue each other
_LEAST_CROSSING = 0.3  # sine of the angle between two lines that make a corner
_MOST_SLOPE = 0.6  # sine of the angle to the picture's edges
_LEAST_AREA = 0.06  # share of the picture's area
_PROPORTIONS = (1.0, 1.75)  # width over height of a card (1.586 by ISO/IEC 7810) that is turned by up to 40 degrees
_LEAST_SIDES_RATIO = 0.7  # shorter over longer of two opposite sides
_OUTSIDE_PX = 4.0
_SAME_PX = 2.0
_SIDE_SAMPLES = np.linspace(0.07, 0.93, 12)  # shares of a side, off the rounded corners
_LIGHT_EDGES, _COLOUR_EDGES = (20, 60), (12, 36)  # thresholds of Canny's edge detector

Corners = NDArray[np.float64]
"""(4, 2): top left, top right, bottom right, bottom left, in pixels."""
_Lines = NDArray[np.float64]
"""(n, 4): direction and a point of each line."""


def quadrangles(image: RGBImage, most: int) -> Iterator[Corners]:
    """Yields quadrangles of a card's shape; those whose sides lie most on edges come first.

    The first ones use lightness alone, which shows nearly every card. The next ones use the colours too, at three
    times the cost; a caller that stops earlier does not pay for them.

    Args:
        image: about 480 pixels wide.
        most: most quadrangles from lightness, and most quadrangles from all planes.
    """
    small = cv2.resize(image, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), _BLUR_PX), cv2.COLOR_RGB2LAB)
    planes = [np.ascontiguousarray(lab[..., plane]) for plane in range(3)]
    segments = [_segments(planes[0])]
    from_lightness = _best_quadrangles(segments, planes[:1], most)
    yield from (corners / _SCALE for corners in from_lightness)
    segments += [_segments(plane) for plane in planes[1:]]
    for corners in _best_quadrangles(segments, planes, most):
        if all(np.abs(corners - other).max() > _SAME_PX for other in from_lightness):
            yield corners / _SCALE


def _best_quadrangles(segments: list[NDArray[np.float64]], planes: list[NDArray[np.uint8]], most: int) -> list[Corners]:
    lines = _lines(np.concatenate(segments))
    if lines is None:
        return []
    level = lines[np.abs(lines[:, 1]) < _MOST_SLOPE][:_LINES]
    upright = lines[np.abs(lines[:, 0]) < _MOST_SLOPE][:_LINES]
    if len(level) < 2 or len(upright) < 2:
        return []
    height, width = planes[0].shape
    found = _card_shaped(_corners(level, upright), (width, height))
    order = np.argsort(-_support(_edges(planes), found))
    return [found[place] for place in order[:most]]


def _segments(plane: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 4): both ends of each straight edge."""
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(plane)[0]
    return np.empty((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)


def _lines(segments: NDArray[np.float64]) -> _Lines | None:
    """Joined lines, the longest first; None when there is none."""
    lengths = np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
    long = lengths > _SHORTEST_PX
    return _join(segments[long], lengths[long]) if long.any() else None


def _join(segments: NDArray[np.float64], lengths: NDArray[np.float64]) -> _Lines:
    order = np.argsort(-lengths)[:_MOST_SEGMENTS]
    segments, lengths = segments[order], lengths[order]
    begins, ends = segments[:, :2], segments[:, 2:]
    along, middles = (ends - begins) / lengths[:, None], (begins + ends) / 2
    across = along[:, ::-1] * np.array([-1.0, 1.0])
    place = (middles * across).sum(axis=1)[:, None]
    away = np.maximum(np.abs(across @ begins.T - place), np.abs(across @ ends.T - place))
    continues = (away < _COLLINEAR_PX) & (np.abs(along @ along.T) > _COLLINEAR_COSINE)
    unused = np.ones(len(segments), dtype=np.bool_)
    lines: list[tuple[float, NDArray[np.float64]]] = []
    for first in range(len(segments)):
        if not unused[first]:
            continue
        if len(lines) == _MOST_LINES:
            break
        same = np.flatnonzero(continues[first] & unused)
        unused[same] = False
        line = np.concatenate([along[first], middles[first]])
        if len(same) > 1:
            both = np.concatenate([begins[same], ends[same]]).astype(np.float32)
            line = np.asarray(cv2.fitLine(both, cv2.DIST_L2, 0, 0.01, 0.01), dtype=np.float64).ravel()
        lines.append((float(lengths[same].sum()), line))
    lines.sort(key=lambda entry: -entry[0])
    return np.array([line for _, line in lines])


def _corners(level: _Lines, upright: _Lines) -> NDArray[np.float64]:
    """(n, 4, 2): the corners that each two level lines make with each two upright ones."""
    one, other = level[:, None], upright[None]
    sine = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    between = other[..., 2:] - one[..., 2:]
    share = (between[..., 0] * other[..., 1] - between[..., 1] * other[..., 0]) / np.where(
        np.abs(sine) < _LEAST_CROSSING, np.nan, sine
    )
    met = one[..., 2:] + share[..., None] * one[..., :2]
    rows = np.array(list(combinations(range(len(level)), 2)))
    columns = np.array(list(combinations(range(len(upright)), 2)))
    row, column = (grid.ravel() for grid in np.meshgrid(np.arange(len(rows)), np.arange(len(columns)), indexing="ij"))
    (first, second), (left, right) = rows[row].T, columns[column].T
    corners = np.stack([met[first, left], met[first, right], met[second, right], met[second, left]], axis=1)
    return np.asarray(corners[np.isfinite(corners).all(axis=(1, 2))])


def _card_shaped(corners: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """The quadrangles that could be a card, each from its top left corner on."""
    upside_down = corners[:, :2, 1].sum(axis=1) > corners[:, 2:, 1].sum(axis=1)
    corners[upside_down] = corners[upside_down][:, [3, 2, 1, 0]]
    mirrored = corners[:, [0, 3], 0].sum(axis=1) > corners[:, [1, 2], 0].sum(axis=1)
    corners[mirrored] = corners[mirrored][:, [1, 0, 3, 2]]
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2).clip(1e-6)
    width, height = (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2
    ratios = np.minimum(sides[:, :2], sides[:, 2:]) / np.maximum(sides[:, :2], sides[:, 2:])
    inside = ((corners > -_OUTSIDE_PX) & (corners < np.array(size) + _OUTSIDE_PX)).all(axis=(1, 2))
    fits = (width * height > _LEAST_AREA * size[0] * size[1]) & (ratios > _LEAST_SIDES_RATIO).all(axis=1)
    proportions = width / height
    return np.asarray(corners[inside & fits & (proportions > _PROPORTIONS[0]) & (proportions < _PROPORTIONS[1])])


def _edges(planes: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    edges = cv2.Canny(planes[0], *_LIGHT_EDGES)
    for plane in planes[1:]:
        edges |= cv2.Canny(plane, *_COLOUR_EDGES)
    return np.asarray(cv2.dilate(edges, np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)


def _support(edges: NDArray[np.uint8], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): mean share of the sides that lies on edges, plus half the share of the worst side."""
    share = _SIDE_SAMPLES[None, None, :, None]
    points = corners[:, :, None] * (1 - share) + np.roll(corners, -1, axis=1)[:, :, None] * share
    limits = np.array([edges.shape[1] - 1, edges.shape[0] - 1])
    x, y = np.moveaxis(np.clip(np.round(points), 0, limits).astype(np.intp), 3, 0)
    on = (edges[y, x] > 0).mean(axis=2)
    return np.asarray(on.mean(axis=1) + 0.5 * on.min(axis=1) if len(on) else np.empty(0))
