"""Image operations that several stages of the card share."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView, card_corners_mm, mm_from_pixels, project
from idproof.pipeline.documents import DocumentType

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]
"""(height, width) of one quantity."""

GAMMA = 2.2
"""Exponent that approximates the transfer function of sRGB (IEC 61966-2-1)."""
LINEAR_LIGHT: NDArray[np.float64] = (np.arange(256) / 255.0) ** GAMMA
"""(256,): linear light of each grey level, 0..1."""
LINEAR_LIGHT.setflags(write=False)

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)

TILE_PX = 256
"""Side of the squares of `card_tiles`: 19 mm of a card over 60 % of 1920 pixels. Chosen by hand; no outside source."""
_TILE_INSET_MM = 3.0  # the tiles stay off the rounded corners (at most 3.48 mm by ISO/IEC 7810) and the outline

# Local contrast. Chosen by hand on tuning cards; no outside source.
_FINE_PX = 1.0  # standard deviation of the blur that removes noise
_WINDOW_PX = 24  # anything smoother is light
_CONTRAST_GAIN = 45.0  # grey levels of the result per local standard deviation
_FLAT_VARIANCE = 9.0  # grey levels squared, added to the local variance so that flat places stay flat


def noise_map(plane: Plane) -> Plane:
    """(h, w): absolute response to a kernel that cancels edges and leaves noise.

    Immerkær, "Fast noise variance estimation" (1996).
    """
    return np.abs(noise_residual(plane))


def noise_residual(plane: NDArray[Any]) -> Plane:
    """(h, w): response to the kernel of `noise_map` with its sign."""
    return np.asarray(cv2.filter2D(plane, -1, _NOISE_KERNEL), dtype=np.float32)


def band_pass(grey: NDArray[Any], fine_px: float, coarse_px: float) -> Plane:
    """(h, w): difference of two Gaussian blurs, given by their standard deviations; detail of the sizes between."""
    values = grey.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(values, (0, 0), sigma) for sigma in (fine_px, coarse_px))
    return np.asarray(fine - coarse, dtype=np.float32)


def local_contrast(grey: NDArray[Any], scale: float = 1.0) -> Grey:
    """(h, w): each pixel less the mean around it, over the standard deviation around it; 128 where it equals the mean.

    Light and contrast are gone from the result, and the print remains.

    Args:
        grey: (h, w) grey levels.
        scale: size of the picture as a share of the canonical frame's.
    """
    values = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _FINE_PX * scale)
    window = (round(_WINDOW_PX * scale / 2) * 2 + 1,) * 2
    mean, spread = cv2.blur(values, window), cv2.sqrBoxFilter(values, -1, window)
    # In place: at this size most of the time goes into fresh memory.
    values -= mean
    mean *= mean
    spread -= mean
    np.maximum(spread, 0, out=spread)
    spread += _FLAT_VARIANCE
    np.sqrt(spread, out=spread)
    values /= spread
    values *= _CONTRAST_GAIN
    values += 128
    np.clip(values, 0, 255, out=values)
    return np.asarray(values, dtype=np.uint8)


class FollowedPoints(NamedTuple):
    """Points of one picture that were found in another one: (n, 2) each, row by row."""

    start: NDArray[np.float32]
    end: NDArray[np.float32]


def follow_points(
    before: Grey,
    after: Grey,
    points: NDArray[np.float32],
    *,
    window_px: int,
    levels: int,
    criteria: tuple[int, int, float],
) -> FollowedPoints:
    """Follows points from one picture into another by optical flow.

    Lucas and Kanade, "An iterative image registration technique" (1981), with Bouguet's pyramid (2000).

    Args:
        before: (h, w).
        after: (h, w).
        points: (n, 2) pixels of `before`.
        window_px: side of the square that is compared.
        levels: levels of the pyramid above the first.
        criteria: OpenCV's termination criteria.

    Returns:
        The points that could be followed.
    """
    start = np.ascontiguousarray(points[:, None])
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, np.empty_like(start), winSize=(window_px,) * 2, maxLevel=levels, criteria=criteria
    )
    followed = np.asarray(status).ravel() > 0
    return FollowedPoints(points[followed], np.asarray(found).reshape(-1, 2)[followed])


def warp_with_margin(
    image: NDArray[np.uint8], view: CardView, document: DocumentType, *, px_per_mm: float, margin_mm: float
) -> NDArray[np.uint8]:
    """The rectified card together with its surroundings.

    Args:
        image: the capture, (h, w) or (h, w, 3).
        view: the card's place in it.
        document: the type.
        px_per_mm: resolution of the result.
        margin_mm: width of the surroundings on each side of the card. Where the capture ends, its edge is repeated.
    """
    width, height = (round((side + 2 * margin_mm) * px_per_mm) for side in (document.width_mm, document.height_mm))
    frame = cv2.warpPerspective(
        image,
        view.homography @ mm_from_pixels(px_per_mm, margin_mm),
        (width, height),
        flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(frame, dtype=np.uint8)


def card_tiles(image: RGBImage, view: CardView, document: DocumentType) -> list[RGBImage]:
    """Squares of the capture that lie wholly on the card, each overlapping the next one by half.

    They are pixels of the capture, not of the canonical frame: resampling would blur fine grids away.
    """
    corners = card_corners_mm(document)
    inset = corners + np.sign(corners.mean(axis=0) - corners) * _TILE_INSET_MM
    outline = project(view.homography, inset).astype(np.float32)
    left, top = np.floor(outline.min(axis=0)).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    tiles = []
    for y in range(max(0, top), min(bottom, image.shape[0]) - TILE_PX + 1, TILE_PX // 2):
        for x in range(max(0, left), min(right, image.shape[1]) - TILE_PX + 1, TILE_PX // 2):
            square = [(x, y), (x + TILE_PX, y), (x + TILE_PX, y + TILE_PX), (x, y + TILE_PX)]
            if all(cv2.pointPolygonTest(outline, (float(u), float(v)), False) >= 0 for u, v in square):
                tiles.append(image[y : y + TILE_PX, x : x + TILE_PX])
    return tiles
