"""Count of the marks of ink on a line of symbols, independent of the readers.

A reader may overlook a star before letters in every capture alike. Each letter, digit and star of a line of symbols is
one connected mark, so that a mark without a character was overlooked. The low marks at the start of such a line are its
stars.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import LineReading, RGBImage

NAME = "marks"
_STAR = "*"
# Chosen by hand on rendered tuning cards; no outside source.
_STAR_CONFIDENCE = 0.9
_MAX_STAR_HEIGHT = 0.65  # of the tallest mark's height; stars are at most half as tall as letters
_MIN_HEIGHT, _MIN_AREA = 0.12, 0.004  # of the line's height, and of its square: smaller marks are specks
_INK_THRESHOLD = 0.5  # of the way from ink to background
_DARK_PERCENTILE = 1  # of the line, taken for ink


@dataclass(frozen=True, slots=True)
class InkMarks:
    """The marks of one line.

    Attributes:
        count: number of marks.
        stars: number of low marks at the start, before the first tall one.
    """

    count: int
    stars: int


def count_marks(line: RGBImage) -> InkMarks:
    """Counts the marks on a line of symbols; a mark at the upper or lower edge belongs to another line."""
    height = line.shape[0]
    found = [
        (left, tall)
        for left, top, _, tall, area in _components(_ink(line))
        if top > 0 and top + tall < height and tall >= _MIN_HEIGHT * height and area >= _MIN_AREA * height**2
    ]
    tallest = max((tall for _, tall in found), default=0)
    stars = 0
    for _, tall in sorted(found):
        if tall > _MAX_STAR_HEIGHT * tallest:
            break
        stars += 1
    return InkMarks(len(found), stars)


def restore_stars(reading: LineReading, marks: InkMarks) -> LineReading:
    """Returns the reading with as many stars at its start as were counted.

    Example:
        >>> restore_stars(LineReading("CWB", (1.0, 1.0, 1.0)), InkMarks(4, 1)).text
        '*CWB'
    """
    stars_read = len(reading.text) - len(reading.text.lstrip(_STAR))
    alternatives = ((),) * marks.stars + reading.alternatives[stars_read:] if reading.alternatives else ()
    return LineReading(
        _STAR * marks.stars + reading.text[stars_read:],
        (_STAR_CONFIDENCE,) * marks.stars + reading.confidences[stars_read:],
        alternatives,
    )


def _ink(line: RGBImage) -> NDArray[np.uint8]:
    """Returns 1 where print is dark against the background around it, 0 elsewhere."""
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    size = grey.shape[0] // 2 | 1
    background = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((size, size), dtype=np.uint8))
    share = grey / np.maximum(cv2.GaussianBlur(background, (0, 0), grey.shape[0] / 4), 1).astype(np.float32)
    dark = float(np.percentile(share, _DARK_PERCENTILE))
    return np.asarray(share < dark + _INK_THRESHOLD * (1.0 - dark), dtype=np.uint8)


def _components(ink: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Returns (n, 5): left, top, width, height and area of every connected mark."""
    return np.asarray(cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:], dtype=np.int32)
