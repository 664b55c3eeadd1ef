"""Comparison of one field's print in two captures, character by character, without reading it.

A field that both readers read alike in one capture is not read again in captures that show the same print. Whoever
edits a field in one capture only changes at least one character, and the two captures then differ at its place.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage

# Chosen by hand on rendered dates and numbers, blurred by 1 to 3 pixels, of which one digit was replaced by the one
# most like it, such as 6 by 8: the least correlation of the two captures was at most 0.955 then. On 4 rendered
# registrations that of unchanged fields was at least 0.989. No outside source.
_LEAST = 0.96
_WINDOW_PX, _STEP_PX = 22, 8  # of the canonical frame: 1.8 mm at 12 pixels per millimetre, one character
_SHIFT_PX = 6  # in each direction; more than the error of a rectified frame
_BACKGROUND_PX = 15  # of the frame at half its scale; wider than any stroke
_FINE_PX, _COARSE_PX = 2.0, 4.0  # blur below noise and different sharpness, and above what tells characters apart
_PRINTED = 0.35  # of the largest contrast of a line's windows; with less, a window shows paper
_BLANK = 0.1  # the same; with less, print that the other capture shows is missing

Share = NDArray[np.float32]
"""(h, w): light of each pixel as a share of the paper's around it, without slow changes; 0 where nothing is printed.

Digits such as 6 and 8 share most of their ink, and differ in a stroke. Only the finer structure tells them apart."""


def is_same(lines: Sequence[RGBImage]) -> bool:
    """Returns whether every line, one per capture and all of one size, shows the print of the first.

    Example:
        >>> import numpy as np
        >>> paper, printed = np.full((2, 40, 80, 3), 255, np.uint8)
        >>> printed[10:30, 30:34] = printed[10:14, 30:44] = 0
        >>> is_same([printed, printed]), is_same([printed, paper]), is_same([paper, printed])
        (True, False, False)
    """
    first, *others = (_share(line) for line in lines)
    return all(least_correlation(first, other) >= _LEAST for other in others)


def least_correlation(one: Share, other: Share) -> float:
    """Returns the correlation, -1..1, of the window of print that agrees least, each at its best shift."""
    width = one.shape[1]
    window, step = min(_WINDOW_PX, width), _STEP_PX
    places = sorted({*range(0, width - window + 1, step), width - window})
    contrasts = np.column_stack([_spreads(plane, places, window) for plane in (one, other)])
    largest = float(contrasts.max())
    border = (_SHIFT_PX,) * 4
    around = cv2.copyMakeBorder(other, *border, cv2.BORDER_CONSTANT, value=0.0)
    least = 1.0
    for x, (of_one, of_other) in zip(places, contrasts, strict=True):
        if max(of_one, of_other) < _PRINTED * largest:
            continue
        if min(of_one, of_other) < _BLANK * largest:
            return 0.0
        searched = around[:, x : x + window + 2 * _SHIFT_PX]
        found = cv2.matchTemplate(searched, one[:, x : x + window], cv2.TM_CCOEFF_NORMED)
        least = min(least, float(found.max()))
    return least


def _spreads(plane: Share, places: Sequence[int], window: int) -> NDArray[np.float64]:
    """(n,): standard deviation of each window."""
    sums = [np.concatenate([[0.0], np.cumsum(power.sum(axis=0, dtype=np.float64))]) for power in (plane, plane * plane)]
    starts = np.asarray(places)
    mean, square = ((total[starts + window] - total[starts]) / (window * len(plane)) for total in sums)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), dtype=np.float64)


def _share(line: RGBImage) -> Share:
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    closed = cv2.morphologyEx(half, cv2.MORPH_CLOSE, np.ones((_BACKGROUND_PX, _BACKGROUND_PX), dtype=np.uint8))
    smooth = cv2.GaussianBlur(closed, (0, 0), _BACKGROUND_PX / 2)
    paper = np.maximum(cv2.resize(smooth, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), 1)
    share = np.minimum(grey / paper.astype(np.float32), 1.0)
    fine, coarse = (cv2.GaussianBlur(share, (0, 0), width) for width in (_FINE_PX, _COARSE_PX))
    return np.asarray(fine - coarse, dtype=np.float32)
