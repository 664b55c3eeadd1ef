"""Marks of ink on a line, counted without reading them: what a reader overlooked is still there to be counted.

A reader that knows letters may pass over a star before them, in every capture alike. Letters, digits and stars of a
line of symbols each are one connected mark, so that marks without a character were overlooked; and the low marks at
the head of such a line are its stars.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import LineReading, RGBImage

NAME = "marks"
_STAR = "*"
_STAR_CONFIDENCE = 0.9
_LOW = 0.65  # of the tallest mark's height; stars are at most half as tall as letters
_LEAST_HEIGHT, _LEAST_AREA = 0.12, 0.004  # of the line's height, and of its square: below them it is a speck
_HALFWAY = 0.5  # from ink to ground


@dataclass(frozen=True, slots=True)
class InkMarks:
    """The marks of one line.

    Attributes:
        count: how many.
        stars: how many of them stand low at the head, before the first tall one.
    """

    count: int
    stars: int


def count_marks(line: RGBImage) -> InkMarks:
    """The marks on a line of symbols; what touches its upper or lower edge belongs to another line."""
    height = line.shape[0]
    found = [
        (left, tall)
        for left, top, _, tall, area in _components(_ink(line))
        if top > 0 and top + tall < height and tall >= _LEAST_HEIGHT * height and area >= _LEAST_AREA * height**2
    ]
    tallest = max((tall for _, tall in found), default=0)
    stars = 0
    for _, tall in sorted(found):
        if tall > _LOW * tallest:
            break
        stars += 1
    return InkMarks(len(found), stars)


def restore_stars(reading: LineReading, marks: InkMarks) -> LineReading:
    """What was read, with as many stars at its head as were counted.

    Example:
        >>> restore_stars(LineReading("CWB", (1.0, 1.0, 1.0)), InkMarks(4, 1)).text
        '*CWB'
    """
    head = len(reading.text) - len(reading.text.lstrip(_STAR))
    alternatives = ((),) * marks.stars + reading.alternatives[head:] if reading.alternatives else ()
    return LineReading(
        _STAR * marks.stars + reading.text[head:],
        (_STAR_CONFIDENCE,) * marks.stars + reading.confidences[head:],
        alternatives,
    )


def _ink(line: RGBImage) -> NDArray[np.uint8]:
    """1 where print is dark against the ground around it, 0 elsewhere."""
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    size = grey.shape[0] // 2 | 1
    ground = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((size, size), dtype=np.uint8))
    share = grey / np.maximum(cv2.GaussianBlur(ground, (0, 0), grey.shape[0] / 4), 1).astype(np.float32)
    dark = float(np.percentile(share, 1))
    return np.asarray(share < dark + _HALFWAY * (1.0 - dark), dtype=np.uint8)


def _components(ink: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(n, 5): left, top, width, height and area of every connected mark."""
    return np.asarray(cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:], dtype=np.int32)
