"""Where might a card lie in a small picture? Quadrangles made of the straightest, longest lines there are.

Line segments (von Gioi et al., "LSD: a line segment detector", 2012) of lightness and both colour differences are
joined where they continue each other; two nearly level ones and two nearly upright ones make a quadrangle. What a
quadrangle holds is not looked at here: `track` asks whether the card's print is in it.
"""

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage

_SOFT_PX = 1.2  # takes away most of a ground's waves, and no edge
_SHORTEST_PX = 20.0
_LINES = 13  # the longest of each direction
_APART_PX, _ALONG = 2.5, 0.97
_MOST_SLOPE = 0.6  # sine of the angle to the picture's edges
_LEAST_AREA = 0.06
_SIDES = (1.0, 1.75)  # width over height of a card that is turned by up to 40 degrees
_LEAST_LIKE = 0.7  # of opposite sides
_OUTSIDE_PX = 8.0

Corners = NDArray[np.float64]
"""(4, 2): top left, top right, bottom right, bottom left, in pixels."""
_Lines = NDArray[np.float64]
"""(n, 4): direction and a point of each line."""


def quadrangles(image: RGBImage, most: int) -> list[Corners]:
    """Up to `most` quadrangles of a card's shape, those that lie most on edges first.

    Args:
        image: about 480 pixels wide.
        most: how many.
    """
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), _SOFT_PX), cv2.COLOR_RGB2LAB)
    lines = _lines(lab)
    if lines is None:
        return []
    level = lines[np.abs(lines[:, 1]) < _MOST_SLOPE][:_LINES]
    upright = lines[np.abs(lines[:, 0]) < _MOST_SLOPE][:_LINES]
    if len(level) < 2 or len(upright) < 2:
        return []
    found = _card_shaped(_corners(level, upright), (image.shape[1], image.shape[0]))
    order = np.argsort(-_support(_edges(lab), found))
    return [found[place] for place in order[:most]]


def _lines(lab: NDArray[np.uint8]) -> _Lines | None:
    """Joined lines, the longest first; None when there is none."""
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE)
    found = [detector.detect(np.ascontiguousarray(lab[..., plane]))[0] for plane in range(3)]
    parts = [segments.reshape(-1, 4) for segments in found if segments is not None]
    segments = np.concatenate([np.empty((0, 4)), *parts]).astype(np.float64)
    lengths = np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
    long = lengths > _SHORTEST_PX
    return _joined(segments[long], lengths[long]) if long.any() else None


def _joined(segments: NDArray[np.float64], lengths: NDArray[np.float64]) -> _Lines:
    along = (segments[:, 2:] - segments[:, :2]) / lengths[:, None]
    middles = (segments[:, :2] + segments[:, 2:]) / 2
    left = np.ones(len(segments), dtype=np.bool_)
    lines: list[tuple[float, NDArray[np.float64]]] = []
    for place in np.argsort(-lengths):
        if not left[place]:
            continue
        across = np.array([-along[place, 1], along[place, 0]])
        away = np.abs(np.stack([segments[:, :2], segments[:, 2:]]) @ across - middles[place] @ across).max(axis=0)
        same = left & (away < _APART_PX) & (np.abs(along @ along[place]) > _ALONG)
        left &= ~same
        ends = np.concatenate([segments[same, :2], segments[same, 2:]]).astype(np.float32)
        line = np.asarray(cv2.fitLine(ends, cv2.DIST_L2, 0, 0.01, 0.01), dtype=np.float64).ravel()
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


def _edges(lab: NDArray[np.uint8]) -> NDArray[np.uint8]:
    edges = cv2.Canny(lab[..., 0], 20, 60) | cv2.Canny(lab[..., 1], 12, 36) | cv2.Canny(lab[..., 2], 12, 36)
    return np.asarray(cv2.dilate(edges, np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)


def _support(edges: NDArray[np.uint8], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): how much of the sides lies on edges, and of the least of them once more by half."""
    share = np.linspace(0.07, 0.93, 24)[None, None, :, None]
    points = corners[:, :, None] * (1 - share) + np.roll(corners, -1, axis=1)[:, :, None] * share
    limits = np.array([edges.shape[1] - 1, edges.shape[0] - 1])
    x, y = np.moveaxis(np.clip(np.round(points), 0, limits).astype(np.intp), 3, 0)
    on = (edges[y, x] > 0).mean(axis=2)
    return np.asarray(on.mean(axis=1) + 0.5 * on.min(axis=1) if len(on) else np.empty(0))
