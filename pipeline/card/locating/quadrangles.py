"""Where might a card lie in a small picture? Quadrangles made of the straightest, longest lines there are.

Line segments (von Gioi et al., "LSD: a line segment detector", 2012) of lightness and both colour differences are
joined where they continue each other; two nearly level ones and two nearly upright ones make a quadrangle. What a
quadrangle holds is not looked at here: `track` asks whether the card's print is in it.
"""

from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage

_SCALE = 0.5  # lines of cards are long enough to be seen in a quarter of the pixels
_SOFT_PX = 0.8  # takes away most of a ground's waves, and no edge
_SHORTEST_PX = 10.0
_LINES = 10  # the longest of each direction
_MOST_SEGMENTS, _MOST_LINES = 250, 60  # of all directions
_APART_PX, _ALONG = 1.3, 0.97
_MOST_SLOPE = 0.6  # sine of the angle to the picture's edges
_LEAST_AREA = 0.06
_SIDES = (1.0, 1.75)  # width over height of a card that is turned by up to 40 degrees
_LEAST_LIKE = 0.7  # of opposite sides
_OUTSIDE_PX = 4.0
_SAME_PX = 2.0
_LIGHT_EDGES, _COLOUR_EDGES = (20, 60), (12, 36)

Corners = NDArray[np.float64]
"""(4, 2): top left, top right, bottom right, bottom left, in pixels."""
_Lines = NDArray[np.float64]
"""(n, 4): direction and a point of each line."""


def quadrangles(image: RGBImage, most: int) -> Iterator[Corners]:
    """Quadrangles of a card's shape, those that lie most on edges first.

    At first of lightness alone, which shows nearly every card, then of the colours too, at three times the cost:
    whoever asks for no more of them does not pay for them.

    Args:
        image: about 480 pixels wide.
        most: how many of each kind.
    """
    small = cv2.resize(image, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), _SOFT_PX), cv2.COLOR_RGB2LAB)
    planes = [np.ascontiguousarray(lab[..., plane]) for plane in range(3)]
    segments = [_segments(planes[0])]
    before = _of(segments, planes[:1], most)
    yield from (corners / _SCALE for corners in before)
    segments += [_segments(plane) for plane in planes[1:]]
    for corners in _of(segments, planes, most):
        if all(np.abs(corners - other).max() > _SAME_PX for other in before):
            yield corners / _SCALE


def _of(segments: list[NDArray[np.float64]], planes: list[NDArray[np.uint8]], most: int) -> list[Corners]:
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
    """(n, 4): ends of straight edges."""
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(plane)[0]
    return np.empty((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)


def _lines(segments: NDArray[np.float64]) -> _Lines | None:
    """Joined lines, the longest first; None when there is none."""
    lengths = np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
    long = lengths > _SHORTEST_PX
    return _joined(segments[long], lengths[long]) if long.any() else None


def _joined(segments: NDArray[np.float64], lengths: NDArray[np.float64]) -> _Lines:
    order = np.argsort(-lengths)[:_MOST_SEGMENTS]
    segments, lengths = segments[order], lengths[order]
    begins, ends = segments[:, :2], segments[:, 2:]
    along, middles = (ends - begins) / lengths[:, None], (begins + ends) / 2
    across = along[:, ::-1] * np.array([-1.0, 1.0])
    place = (middles * across).sum(axis=1)[:, None]
    away = np.maximum(np.abs(across @ begins.T - place), np.abs(across @ ends.T - place))
    continues = (away < _APART_PX) & (np.abs(along @ along.T) > _ALONG)
    left = np.ones(len(segments), dtype=np.bool_)
    lines: list[tuple[float, NDArray[np.float64]]] = []
    for first in range(len(segments)):
        if not left[first]:
            continue
        if len(lines) == _MOST_LINES:
            break
        same = np.flatnonzero(continues[first] & left)
        left[same] = False
        line = np.concatenate([along[first], middles[first]])
        if len(same) > 1:
            both = np.concatenate([begins[same], ends[same]]).astype(np.float32)
            line = np.asarray(cv2.fitLine(both, cv2.DIST_L2, 0, 0.01, 0.01), dtype=np.float64).ravel()
        lines.append((float(lengths[same].sum()), line))
    lines.sort(key=lambda entry: -entry[0])
    return np.array([line for _, line in lines])


def _corners(level: _Lines, upright: _Lines) -> NDArray[np.float64]:
    """(n, 4, 2): where each two level lines meet each two upright ones."""
    one, other = level[:, None], upright[None]
    size = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    between = other[..., 2:] - one[..., 2:]
    share = (between[..., 0] * other[..., 1] - between[..., 1] * other[..., 0]) / np.where(
        np.abs(size) < 0.3, np.nan, size
    )
    met = one[..., 2:] + share[..., None] * one[..., :2]
    rows = np.array(list(combinations(range(len(level)), 2)))
    columns = np.array(list(combinations(range(len(upright)), 2)))
    row, column = (grid.ravel() for grid in np.meshgrid(np.arange(len(rows)), np.arange(len(columns)), indexing="ij"))
    (first, second), (left, right) = rows[row].T, columns[column].T
    corners = np.stack([met[first, left], met[first, right], met[second, right], met[second, left]], axis=1)
    return np.asarray(corners[np.isfinite(corners).all(axis=(1, 2))])


def _card_shaped(corners: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Those that could be a card, from its top left corner on."""
    upside = corners[:, :2, 1].sum(axis=1) > corners[:, 2:, 1].sum(axis=1)
    corners[upside] = corners[upside][:, [3, 2, 1, 0]]
    mirrored = corners[:, [0, 3], 0].sum(axis=1) > corners[:, [1, 2], 0].sum(axis=1)
    corners[mirrored] = corners[mirrored][:, [1, 0, 3, 2]]
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2).clip(1e-6)
    width, height = (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2
    alike = np.minimum(sides[:, :2], sides[:, 2:]) / np.maximum(sides[:, :2], sides[:, 2:])
    inside = ((corners > -_OUTSIDE_PX) & (corners < np.array(size) + _OUTSIDE_PX)).all(axis=(1, 2))
    fits = (width * height > _LEAST_AREA * size[0] * size[1]) & (alike > _LEAST_LIKE).all(axis=1)
    return np.asarray(corners[inside & fits & (width / height > _SIDES[0]) & (width / height < _SIDES[1])])


def _edges(planes: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    edges = cv2.Canny(planes[0], *_LIGHT_EDGES)
    for plane in planes[1:]:
        edges |= cv2.Canny(plane, *_COLOUR_EDGES)
    return np.asarray(cv2.dilate(edges, np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)


def _support(edges: NDArray[np.uint8], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): how much of the sides lies on edges, and of the least of them once more by half."""
    share = np.linspace(0.07, 0.93, 12)[None, None, :, None]
    points = corners[:, :, None] * (1 - share) + np.roll(corners, -1, axis=1)[:, :, None] * share
    limits = np.array([edges.shape[1] - 1, edges.shape[0] - 1])
    x, y = np.moveaxis(np.clip(np.round(points), 0, limits).astype(np.intp), 3, 0)
    on = (edges[y, x] > 0).mean(axis=2)
    return np.asarray(on.mean(axis=1) + 0.5 * on.min(axis=1) if len(on) else np.empty(0))
